/**
 * What is known of the tasks' rules. Read from the documents of the targets, which hold the current state of each task;
 * the table has a row for each change since the first sync, so its cost grows with the history.
 */
import { knownTasksKind } from '../checkpoint/known-tasks.ts';
import { loadDocument } from '../checkpoint/state-document.ts';
import type { Rule } from '../model.ts';
import { tasksKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import type { FindingData, RuleData, TargetFacts } from './report-data.ts';

/** Characters kept of each text of a rule. */
export const maxRuleText = 120;

/** Rules kept for each task. */
export const maxRules = 10;

/** A task. The id is null if the source gave none. */
export interface TaskPlace {
  readonly workspace: string;
  readonly projectId: string;
  readonly id: string | null;
}

/** What a rule of a task checks, and whether it still exists. */
interface KnownTaskRules {
  readonly isDeleted: boolean;
  readonly rules: readonly Rule[];
}

/** The rules of tasks by `keyOf`. Empty where tasks are not synced. */
export type KnownRules = ReadonlyMap<string, KnownTaskRules>;

/**
 * Reads the rules of all tasks of some targets.
 *
 * @throws StorageError
 */
export async function readKnownRules(
  store: Store,
  targets: readonly Pick<TargetFacts, 'name' | 'workspace' | 'projectId'>[],
): Promise<KnownRules> {
  const documents = await Promise.all(targets.map(({ name }) => loadDocument(store, tasksKey(name), knownTasksKind)));
  return new Map(
    targets.flatMap(({ workspace, projectId }, index) =>
      (documents[index]?.value.tasks ?? []).map(({ details: { id, rules }, deletedAtMs }) => [
        keyOf({ workspace, projectId, id: String(id) }),
        { isDeleted: deletedAtMs !== null, rules },
      ]),
    ),
  );
}

/** Returns the first rules of a task; none of one that was deleted. */
export function rulesOf(known: KnownRules, task: TaskPlace): RuleData[] {
  const { isDeleted, rules } = known.get(keyOf(task)) ?? { isDeleted: true, rules: [] };
  return isDeleted ? [] : rules.slice(0, maxRules).map(ruleData);
}

/** Returns what a finding shows of its rule; nothing if the task has no such rule any more. */
export function ruleOfFinding(
  known: KnownRules,
  task: TaskPlace,
  ruleId: string | null,
): Pick<FindingData, 'rule' | 'columns' | 'condition'> & { readonly tables: string } {
  const rule = known.get(keyOf(task))?.rules.find(({ id, part }) => id !== null && String(id) === ruleId && part === 0);
  return {
    rule: shortened(rule?.name),
    tables: shortened(rule?.tables),
    columns: shortened(rule?.columns),
    condition: shortened(rule?.alarmCondition),
  };
}

function ruleData({ name, dimension, databases, tables, columns, alarmCondition }: Rule): RuleData {
  return {
    name: shortened(name),
    dimension: shortened(dimension),
    table: [shortened(databases), shortened(tables)].filter(Boolean).join('.'),
    columns: shortened(columns),
    condition: shortened(alarmCondition),
  };
}

/** Cuts a text, but no character in two. */
function shortened(text: string | null | undefined): string {
  return text === null || text === undefined ? '' : Array.from(text).slice(0, maxRuleText).join('');
}

function keyOf({ workspace, projectId, id }: TaskPlace): string {
  return `${workspace}/${projectId}/${id}`;
}
