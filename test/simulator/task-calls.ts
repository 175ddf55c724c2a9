/** Answers the other calls than the instance list: lists of tasks, details of a task, results of an instance. */
import type { EpochMs } from '../../functions/model.ts';
import type { Fault } from './faults.ts';
import { glitchOf } from './glitches.ts';
import { countText } from './instance-page.ts';
import { wholeNumber } from './instance-query.ts';
import type { LifeCycle } from './life-cycle.ts';
import { type Reply, serviceError } from './reply.ts';
import { resultsOf, resultText } from './rule-results.ts';
import type { ListedTask, SimulatedRule, SimulatedTask } from './task-book.ts';
import type { Traps } from './traps.ts';

/** A call other than the instance list. Each has its own quota. */
export type TaskCall = 'quality-tasks' | 'consistency-tasks' | 'quality-task' | 'consistency-task' | 'results';

/** A request for one of the calls. `id` is the task or the instance, null for a list. */
export interface TaskRequest {
  readonly call: TaskCall;
  readonly projectId: string;
  readonly id: string | null;
}

/** The parts of a simulator that these calls need. */
export interface TaskWorld {
  readonly life: LifeCycle;
  readonly traps: Traps;
  readonly workspace: string;
  readonly nowMs: EpochMs;
  readonly fault: Fault | null;
  /** Requests for results so far. */
  readonly resultRequests: number;
}

const listPath = /^\/v2\/([^/]+)\/quality\/(quality-tasks|consistency-tasks)$/;
const detailsPath = /^\/v2\/([^/]+)\/quality\/(quality-task|consistency-task)s\/([^/]+)$/;
const resultsPath = /^\/v2\/([^/]+)\/quality\/instances\/([^/]+)\/result$/;

/** Returns the call of a path; null for any other path. */
export function readTaskPath(path: string): TaskRequest | null {
  const list = listPath.exec(path);
  if (list !== null) {
    return { call: list[2] as TaskCall, projectId: list[1] ?? '', id: null };
  }
  const details = detailsPath.exec(path);
  if (details !== null) {
    return { call: details[2] as TaskCall, projectId: details[1] ?? '', id: details[3] ?? '' };
  }
  const results = resultsPath.exec(path);
  return results === null ? null : { call: 'results', projectId: results[1] ?? '', id: results[2] ?? '' };
}

/** Answers an admitted request. */
export function answerTaskCall(
  { call, id }: TaskRequest,
  params: URLSearchParams,
  world: TaskWorld,
): { readonly reply: Reply; readonly rows: number } {
  const taskType = call.startsWith('consistency') ? 'CONSISTENCY_TASK' : 'QUALITY_TASK';
  if (call === 'results') {
    return answerResults(id ?? '', params, world);
  }
  const tasks = world.life
    .tasks(world.workspace)
    .list(taskType, world.life.listingOf(world.workspace))
    .map(({ definition, lastRunMs }) => ({
      definition,
      lastRunMs: lastRunMs === null ? null : lastRunMs + world.traps.lastRunSkewMs,
    }));
  if (id === null) {
    return page(params, 1, tasks.map(listText), world);
  }
  const task = tasks.find(({ definition }) => definition.task.taskId === id);
  return task === undefined
    ? { reply: serviceError(404, '4004', `task ${id} does not exist`), rows: 0 }
    : { reply: { status: 200, body: detailsText(task) }, rows: 1 };
}

function answerResults(id: string, params: URLSearchParams, world: TaskWorld): { reply: Reply; rows: number } {
  const { life, traps, workspace, nowMs, resultRequests } = world;
  const entry = life.listingOf(workspace).tryFind(id);
  if (entry === undefined) {
    return { reply: serviceError(404, '4001', `instance ${id} does not exist`), rows: 0 };
  }
  const results = resultsOf(entry, life.tasks(workspace).define(entry.task), traps, nowMs);
  const changing = resultRequests % 2 === 0 ? 'zh' : 'en';
  const language = traps.resultLabels === 'changing' ? changing : traps.resultLabels;
  return page(
    params,
    0,
    results.map((result) => resultText(result, language)),
    world,
  );
}

/** Makes a page of a list, with ten rows if the request has no limit. */
function page(
  params: URLSearchParams,
  leastLimit: number,
  texts: readonly string[],
  { traps, fault }: TaskWorld,
): { reply: Reply; rows: number } {
  const limit = wholeNumber(params, 'limit', leastLimit, 100);
  const offset = wholeNumber(params, 'offset', 0, Number.MAX_SAFE_INTEGER);
  if ('refusal' in limit || 'refusal' in offset) {
    const refusal = 'refusal' in limit ? limit.refusal : 'refusal' in offset ? offset.refusal : '';
    return { reply: serviceError(400, '1001', refusal), rows: 0 };
  }
  const { mostRows = Number.POSITIVE_INFINITY, count } = glitchOf(fault);
  const size = Math.min(limit.value ?? 10, traps.pageCap ?? 100);
  const from = (offset.value ?? 0) * (traps.offsetUnit === 'page' ? size : 1);
  const shown = texts.slice(from, from + Math.min(size, mostRows));
  const counted = count === undefined ? countText(traps.count, texts.length, shown.length) : `"count":${count},`;
  return { reply: { status: 200, body: `{${counted}"resources":[${shown.join(',')}]}` }, rows: shown.length };
}

function listText(listed: ListedTask): string {
  return `{${listMembers(listed)}}`;
}

/** Returns members as JSON text. Ids are written as text, because JS numbers cannot hold them. */
function listMembers({ definition, lastRunMs }: ListedTask): string {
  const { task, categoryIdText, scheduleStatus, schedulePeriod, scheduleInterval, createdMs, creator } = definition;
  return (
    `"id":${task.taskId},"name":${JSON.stringify(task.name)},"category_id":${categoryIdText},` +
    `"schedule_status":${JSON.stringify(scheduleStatus)},"schedule_period":${JSON.stringify(schedulePeriod)},` +
    `"schedule_interval":${JSON.stringify(scheduleInterval)},"create_time":${createdMs},` +
    `"last_run_time":${lastRunMs},"creator":${JSON.stringify(creator)}`
  );
}

function detailsText(listed: ListedTask): string {
  const { definition } = listed;
  const { description, level } = definition;
  return (
    `{${listMembers(listed)},"description":${JSON.stringify(description)},"level":"${level}",` +
    `"alarm_condition":"\${1}>0","alarm_notify":true,"sub_rules":[${rulesText(definition)}]}`
  );
}

function rulesText({ task, rules }: SimulatedTask): string {
  const isNested = task.taskType === 'CONSISTENCY_TASK';
  return rules
    .map((sides) => (isNested ? `[${sides.map(ruleText).join(',')}]` : sides.map(ruleText).join(',')))
    .join(',');
}

function ruleText(rule: SimulatedRule): string {
  const { idText, templateIdText, name, weight, ...texts } = rule;
  const members = {
    sub_rule_name: name,
    type: texts.type,
    connection: texts.connection,
    connection_type: 'HIVE',
    databases: texts.databases,
    sql: null,
    tables: texts.tables,
    columns: texts.columns,
    dimension: texts.dimension,
    alarm_condition: texts.alarmCondition,
    weight,
  };
  return `{"id":${idText},"template_id":${templateIdText},${JSON.stringify(members).slice(1)}`;
}
