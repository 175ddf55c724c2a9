/**
 * Parses the replies of the calls other than the instance list: tasks, their rules, the results of an instance. Pure.
 * Ids stay exact; undocumented fields go to `extra`. Source: API reference of DataArts Quality.
 */
import type { EpochMs, Rule, RuleResult, Task, TaskDetails, TaskType } from '../model.ts';
import { parseExactJson, writeExactJson } from './exact-json.ts';
import {
  countOf,
  extraOf,
  int64Of,
  isWireObject,
  type OddFields,
  optional,
  rowsOf,
  textOf,
  timeOf,
  type WireObject,
} from './wire.ts';

/** The value of a body, or why it cannot be parsed, which is worth a retry. */
export type Content<T> = { readonly value: T } | { readonly problem: string };

/** One page of a list of tasks. */
export interface TaskPage {
  readonly count: number | null;
  readonly tasks: readonly Task[];
  /** Rows of the page, including those without a readable id, by which the offset advances. */
  readonly rows: number;
}

/** One page of the results of an instance. */
export interface ResultPage {
  readonly count: number | null;
  /** One per rule and object; a rule without an object has one. */
  readonly results: readonly RuleResult[];
  /** Rules on the page, by which the offset advances. */
  readonly rows: number;
}

/** Parses a page of a list of tasks. */
export function parseTaskPage(text: string, type: TaskType): Content<TaskPage> {
  return parseList(text, (count, rows) => ({
    count,
    rows: rows.length,
    tasks: rows.map((row) => readTask(row, type)).filter((task) => task !== null),
  }));
}

/** Parses the details of a task. */
export function parseTaskDetails(text: string, type: TaskType): Content<TaskDetails> {
  return parseBody(text, (body) => {
    const task = isWireObject(body) ? readTask(body, type, detailFields) : null;
    if (!isWireObject(body) || task === null) {
      return { problem: 'it has no integer "id"' };
    }
    const textAt = (field: string): string | null => optional(body, field, [], plainText);
    return {
      value: {
        ...task,
        description: textAt('description'),
        level: textAt('level'),
        alarmCondition: textAt('alarm_condition'),
        rules: readRules(body['sub_rules'], '', new Map()),
      },
    };
  });
}

/** Parses a page of the results of an instance. */
export function parseResultPage(text: string): Content<ResultPage> {
  return parseList(text, (count, rows) => ({ count, rows: rows.length, results: rows.flatMap(readResults) }));
}

function parseBody<T>(text: string, read: (body: unknown) => Content<T>): Content<T> {
  try {
    return read(parseExactJson(text));
  } catch (error) {
    return { problem: error instanceof RangeError ? 'it is nested too deep' : 'it is not JSON' };
  }
}

function parseList<T>(text: string, read: (count: number | null, rows: readonly unknown[]) => T): Content<T> {
  return parseBody(text, (body) => {
    const rows = rowsOf(body);
    return rows === null ? { problem: 'it has no array "resources"' } : { value: read(countOf(body), rows) };
  });
}

const taskFields = [
  'id',
  'name',
  'category_id',
  'schedule_status',
  'schedule_period',
  'schedule_interval',
  'create_time',
  'last_run_time',
  'creator',
] as const;
const listFields: ReadonlySet<string> = new Set(taskFields);
const detailFields: ReadonlySet<string> = new Set([
  ...taskFields,
  'description',
  'level',
  'alarm_condition',
  'sub_rules',
]);

/** Returns null for a row without a readable id, which cannot be joined to anything. */
function readTask(row: unknown, type: TaskType, documented: ReadonlySet<string> = listFields): Task | null {
  const id = isWireObject(row) ? int64Of(row['id']) : null;
  if (!isWireObject(row) || id === null) {
    return null;
  }
  const odd: OddFields = [];
  const textAt = (field: string): string | null => optional(row, field, odd, plainText);
  const timeAt = (field: string): EpochMs | null => optional(row, field, odd, (value) => timeOf(value));
  return {
    id,
    type,
    name: textAt('name'),
    categoryId: optional(row, 'category_id', odd, int64Of),
    scheduleStatus: textAt('schedule_status'),
    schedulePeriod: textAt('schedule_period'),
    scheduleInterval: textAt('schedule_interval'),
    createTimeMs: timeAt('create_time'),
    lastRunTimeMs: timeAt('last_run_time'),
    creator: textAt('creator'),
    extra: extraOf(row, odd, documented),
  };
}

const ruleFields: ReadonlySet<string> = new Set([
  'id',
  'sub_rule_name',
  'type',
  'template_id',
  'dimension',
  'connection',
  'connection_type',
  'databases',
  'tables',
  'columns',
  'sql',
  'alarm_condition',
  'weight',
  'level',
]);

/**
 * Returns the rules, nested or not: `1.0` is the first of the second list.
 *
 * @param seen number of times that each id has appeared so far
 */
function readRules(value: unknown, prefix: string, seen: Map<bigint | null, number>): Rule[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return value.flatMap((element: unknown, index) => {
    const position = `${prefix}${index}`;
    return isWireObject(element) ? [readRule(element, position, seen)] : readRules(element, `${position}.`, seen);
  });
}

function readRule(row: WireObject, position: string, seen: Map<bigint | null, number>): Rule {
  const odd: OddFields = [];
  const textAt = (field: string): string | null => optional(row, field, odd, plainText);
  const id = optional(row, 'id', odd, int64Of);
  const part = seen.get(id) ?? 0;
  seen.set(id, part + 1);
  return {
    id,
    part,
    position,
    name: textAt('sub_rule_name'),
    type: textAt('type'),
    templateId: optional(row, 'template_id', odd, int64Of),
    dimension: textAt('dimension'),
    connection: textAt('connection'),
    connectionType: textAt('connection_type'),
    databases: textAt('databases'),
    tables: textAt('tables'),
    columns: textAt('columns'),
    sql: textAt('sql'),
    alarmCondition: textAt('alarm_condition'),
    weight: optional(row, 'weight', odd, int64Of),
    level: textAt('level'),
    extra: extraOf(row, odd, ruleFields),
  };
}

/** Returns text unchanged, and anything else, such as a list of columns, as JSON text. */
function plainText(value: unknown): string {
  return textOf(value) ?? writeExactJson(value).toWellFormed();
}

const resultFields: ReadonlySet<string> = new Set([
  'sub_rule_id',
  'sub_instance_instance_id',
  'abnormal_table_status',
  'results',
]);

/** Returns the results of one rule, one per object; one without an object if the rule has none. */
function readResults(row: unknown): RuleResult[] {
  if (!isWireObject(row)) {
    return [];
  }
  const odd: OddFields = [];
  const rule = {
    ruleId: optional(row, 'sub_rule_id', odd, int64Of),
    ruleInstanceId: optional(row, 'sub_instance_instance_id', odd, int64Of),
    abnormalTableStatus: optional(row, 'abnormal_table_status', odd, plainText),
    extra: extraOf(row, odd, resultFields),
  };
  const objects = objectsOf(row['results']);
  return objects.length === 0
    ? [{ ...rule, alarmed: null, objectName: null, metrics: null }]
    : objects.map((object) => ({
        ...rule,
        alarmed: alarmedIn(object),
        objectName: nameIn(object),
        metrics: writeExactJson(object).toWellFormed(),
      }));
}

/** Returns all values in `results`, from lists of any depth. */
function objectsOf(value: unknown): unknown[] {
  if (value === null || value === undefined) {
    return [];
  }
  return Array.isArray(value) ? value.flatMap(objectsOf) : [value];
}

const statusLabels: ReadonlySet<string> = new Set(['status', 'alarm status', '状态', '告警状态']);
const nameLabels: ReadonlySet<string> = new Set(['name', '名称', '表名', '对象名称']);

/**
 * Returns whether the object reports an alarm. Labels are in the language of the account. If none is known, the only
 * member that is true or false decides; two such members decide nothing.
 */
function alarmedIn(object: unknown): boolean | null {
  const truths = membersOf(object).flatMap(([label, value]) => {
    const truth = truthOf(value);
    return truth === null ? [] : [{ label, truth }];
  });
  const labeled = truths.find(({ label }) => statusLabels.has(label));
  return labeled?.truth ?? (truths.length === 1 ? (truths[0]?.truth ?? null) : null);
}

function truthOf(value: unknown): boolean | null {
  const text = String(value).toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
}

function nameIn(object: unknown): string | null {
  const [, name] = membersOf(object).find(([label]) => nameLabels.has(label)) ?? [];
  return name === undefined || name === null ? null : plainText(name);
}

/** Returns the members of an object, with trimmed labels in lower case. */
function membersOf(object: unknown): [label: string, value: unknown][] {
  return isWireObject(object)
    ? Object.entries(object).map(([label, value]) => [label.trim().toLowerCase(), value])
    : [];
}
