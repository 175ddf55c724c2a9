/**
 * What is known of the tasks' definitions. Read from the documents of the workspaces, which hold the current state of each
 * task; the table has a row for each change since the first sync, so its cost grows with the history.
 */
import { knownTasksKind } from '../checkpoint/known-tasks.ts';
import { loadDocument } from '../checkpoint/state-document.ts';
import type { EpochMs, Rule, TaskDetails } from '../model.ts';
import { tasksKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import type { FindingData, RuleData, TargetFacts, TaskData } from './report-data.ts';

/** Characters kept per text. */
const maxText = 120;

/** Rules kept for each task. */
export const maxRules = 10;

/** A task. The id is null if the source gave none. */
export interface TaskPlace {
  readonly workspace: string;
  readonly projectId: string;
  readonly id: string | null;
}

/** The definition of a task, or its last one if the task was deleted. */
interface Definition {
  readonly isDeleted: boolean;
  readonly details: TaskDetails;
}

/** Definitions by `keyOf`. Empty where tasks are not synced. */
export type Definitions = ReadonlyMap<string, Definition>;

/**
 * Reads the definitions of all tasks in the workspaces of some targets.
 *
 * @throws StorageError
 */
export async function readDefinitions(
  store: Store,
  targets: readonly Pick<TargetFacts, 'workspace' | 'projectId'>[],
): Promise<Definitions> {
  const places = new Map(targets.map((target) => [tasksKey(target), target]));
  const ofPlaces = [...places.values()].map(async ({ workspace, projectId }) => {
    const { value: tasks } = await loadDocument(store, knownTasksKind({ workspace, projectId }));
    return tasks.map(({ details, deletedAtMs }): [string, Definition] => [
      keyOf({ workspace, projectId, id: String(details.id) }),
      { isDeleted: deletedAtMs !== null, details },
    ]);
  });
  return new Map((await Promise.all(ofPlaces)).flat());
}

/** Returns what the page shows of a task's definition. A task that was deleted has no rules. */
export function definitionOf(
  definitions: Definitions,
  task: TaskPlace,
): Pick<TaskData, 'level' | 'creator' | 'schedule' | 'isDeleted' | 'rules' | 'rulesInAll'> {
  const { isDeleted = false, details } = definitions.get(keyOf(task)) ?? {};
  const rules = isDeleted ? [] : (details?.rules ?? []);
  return {
    level: shortened(details?.level),
    creator: shortened(details?.creator),
    schedule: isDeleted
      ? 'deleted'
      : [details?.scheduleStatus, details?.schedulePeriod]
          .map((text) => shortened(text))
          .filter(Boolean)
          .join(' · '),
    isDeleted,
    rules: rules.slice(0, maxRules).map(ruleData),
    rulesInAll: rules.length,
  };
}

/** Returns when a task was created; null if that is unknown. */
export function createdAt(definitions: Definitions, task: TaskPlace): EpochMs | null {
  return definitions.get(keyOf(task))?.details.createTimeMs ?? null;
}

/** Returns what a finding shows of its rule; empty texts if the task no longer has such a rule. */
export function ruleOfFinding(
  definitions: Definitions,
  task: TaskPlace,
  ruleId: string | null,
): Pick<FindingData, 'rule' | 'columns' | 'condition'> & { readonly tables: string } {
  const { rules = [] } = definitions.get(keyOf(task))?.details ?? {};
  const rule = rules.find(({ id, part }) => id !== null && String(id) === ruleId && part === 0);
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

/** Cuts a string, but never within a character. */
export function shortened(text: string | null | undefined, maxCharacters = maxText): string {
  const characters = [...(text ?? '')];
  return characters.length <= maxCharacters ? (text ?? '') : `${characters.slice(0, maxCharacters).join('')}…`;
}

function keyOf({ workspace, projectId, id }: TaskPlace): string {
  return `${workspace}/${projectId}/${id}`;
}
