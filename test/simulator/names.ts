/**
 * Tasks as people name them: what is checked, where, and sometimes in scripts beyond the Basic Multilingual Plane.
 */
import type { Random } from './random.ts';
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

/** Makes `count` tasks with distinct 19-digit ids and distinct names; one in eight compares two tables. */
export function makeTasks(random: Random, count: number): Task[] {
  const prefix = `72${random.between(1_000_000, 9_999_999)}`;
  return Array.from({ length: count }, (_, index) => {
    const name = `${random.pick(tables)}/${random.pick(checks)} #${index + 1}`;
    const taskId = `${prefix}${String(random.between(0, 999_999)).padStart(6, '0')}${String(index).padStart(4, '0')}`;
    return makeTask(taskId, name, index % 8 === 7 ? 'CONSISTENCY_TASK' : 'QUALITY_TASK');
  });
}
