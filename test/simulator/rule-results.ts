/** The results of an instance's rules, as a pure function of the instance, its rules and the time. */
import type { EpochMs } from '../../functions/model.ts';
import { seededRandom } from './random.ts';
import { createdMsOf, snowflakeText } from './snowflake.ts';
import { lowOf, type SimulatedRule, type SimulatedTask } from './task-book.ts';
import { type Entry, stateAt } from './timeline.ts';
import type { Traps } from './traps.ts';

/** The result of one rule for one object. */
export interface TrueResult {
  readonly ruleId: bigint;
  readonly ruleInstanceId: bigint;
  /** Null with `objectName`: the rule found nothing. */
  readonly alarmed: boolean | null;
  readonly objectName: string | null;
  readonly abnormalTableStatus: string;
}

/** The results of one rule, as a row of the reply. */
interface RuleResult {
  readonly rule: SimulatedRule;
  readonly ruleInstanceIdText: string;
  readonly abnormalTableStatus: string;
  readonly objects: readonly { readonly name: string; readonly rows: number; readonly isAlarm: boolean }[];
}

const labels = {
  en: { rows: 'Total Rows', status: 'Status', name: 'Name' },
  zh: { rows: '总行数', status: '告警状态', name: '名称' },
} as const;

/** Returns the results of all rules of an instance; none while it runs or before `traps.resultDelayMs` has passed. */
export function resultsOf(entry: Entry, task: SimulatedTask, traps: Traps, nowMs: EpochMs): readonly RuleResult[] {
  const { runStatus, endTimeMs, atMs } = stateAt(entry, nowMs);
  if (endTimeMs === null || nowMs < atMs + traps.resultDelayMs) {
    return [];
  }
  const rules = task.rules.flat();
  const random = seededRandom(
    lowOf(entry.idText),
    entry.startTimeMs % 2 ** 31,
    Math.floor(entry.startTimeMs / 2 ** 31),
  );
  const alarming = runStatus === 'ALARMING' ? random.between(0, Math.max(0, rules.length - 1)) : -1;
  return rules.map((rule, index) => {
    const isAlarm = index === alarming || (runStatus === 'ALARMING' && random.chance(0.2));
    const settled = isAlarm ? 'SUCCESS' : 'UNSUPPORTED';
    // Drawn each time, so that the other results do not depend on it.
    const isReady = random.chance(0.5);
    const isAwaited = isAlarm && nowMs < atMs + traps.resultDelayMs + traps.abnormalDelayMs;
    return {
      rule,
      ruleInstanceIdText: snowflakeText(
        entry.startTimeMs + createdMsOf(rule.idText) - createdMsOf(entry.task.taskId),
        lowOf(entry.idText),
      ),
      abnormalTableStatus: isAwaited ? (isReady ? 'READY' : 'RUNNING') : settled,
      // A rule that failed has no results.
      objects:
        runStatus === 'FAILED' && index === 0
          ? []
          : rule.tables.split(',').map((table, place) => ({
              name: `${place + 1}_${rule.databases}.${table}`,
              rows: random.between(0, 1_000_000),
              isAlarm,
            })),
    };
  });
}

/** Returns one result for each rule and object, and one for a rule without objects. */
export function trueResults(results: readonly RuleResult[]): TrueResult[] {
  return results.flatMap(({ rule, ruleInstanceIdText, abnormalTableStatus, objects }): TrueResult[] => {
    const ids = { ruleId: BigInt(rule.idText), ruleInstanceId: BigInt(ruleInstanceIdText) };
    return objects.length === 0
      ? [{ ...ids, alarmed: null, objectName: null, abnormalTableStatus }]
      : objects.map(({ name, isAlarm }) => ({ ...ids, alarmed: isAlarm, objectName: name, abnormalTableStatus }));
  });
}

/** Returns one row of the reply as JSON text. Ids are texts, and the keys of an object are display labels. */
export function resultText(result: RuleResult, language: 'en' | 'zh'): string {
  const { rows, status, name } = labels[language];
  return JSON.stringify({
    sub_rule_id: result.rule.idText,
    sub_instance_instance_id: result.ruleInstanceIdText,
    abnormal_table_status: result.abnormalTableStatus,
    results: result.objects.map((object) => ({
      [rows]: String(object.rows),
      [status]: String(object.isAlarm),
      [name]: object.name,
    })),
  });
}
