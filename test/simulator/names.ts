/** Realistic task names: a table and a check, some in scripts beyond the Basic Multilingual Plane. */
import type { Random } from './random.ts';
import { snowflakeText } from './snowflake.ts';
import { makeTask, type Task } from './timeline.ts';

const tables = [
  'dwd_order_detail_di',
  'dwd_payment_flow_di',
  'dws_customer_360_df',
  'ods_crm_contact_df',
  'ads_sales_daily',
  'dim_store',
  'dim_sku_历史',
  'dwd_inventory_snapshot_hi',
  'ods_iot_meter_reading_mi',
  'dws_risk_score_df',
] as const;

const checks = [
  'null_check',
  'unique_key',
  'row_count_day_over_day',
  'amount >= 0',
  'foreign key "store_id"',
  '订单金额一致性校验',
  '主键唯一性',
  '𠮷野家門店コード検証',
  'freshness < 2h ⏱',
  'réconciliation débit/crédit',
  '🧾 invoice total = Σ lines',
  'regex: ^\\d{11}$',
] as const;

/** The earliest creation of a task. */
const firstTaskMs = Date.UTC(2024, 0, 1);
const dayMs = 86_400_000;

/** Makes `count` tasks with distinct 19-digit ids and distinct names; one in eight compares two tables. */
export function makeTasks(random: Random, count: number): Task[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${random.pick(tables)}/${random.pick(checks)} #${index + 1}`;
    const createdMs = firstTaskMs + random.between(0, 300 * dayMs);
    return makeTask(snowflakeText(createdMs, index), name, index % 8 === 7 ? 'CONSISTENCY_TASK' : 'QUALITY_TASK');
  });
}
