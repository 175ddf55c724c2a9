/**
 * Parses the replies of the calls other than the instance list: tasks, their rules, the results of an instance. Pure.
 * Ids stay exact; undocumented fields go to `extra`. Source: API reference of DataArts Quality.
 */
import type { EpochMs, Rule, RuleResult, Task, TaskDetails, TaskType } from '../model.ts';
import { writeExactJson } from './exact-json.ts';
import {
  type Content,
  extraOf,
  int64Of,
  isWireObject,
  listIn,
  type OddFields,
  optional,
  parseBody,
  textOf,
  timeOf,
  type WireObject,
} from './wire.ts';

export interface TaskPage {
  readonly count: number | null;
  readonly tasks: readonly Task[];
  /** Rows of the page, including those without a readable id. The offset advances by this number. */
  readonly rows: number;
}

export interface ResultPage {
  readonly count: number | null;
  /** The results of each rule on the page, one per object; a rule without an object has one. */
  readonly rules: readonly (readonly RuleResult[])[];
  /** Rows of the page. The offset advances by this number. */
  readonly rows: number;
}

export function parseTaskPage(text: string, type: TaskType): Content<TaskPage> {
  return parseList(text, (rows, count) => ({
    count,
    rows: rows.length,
    tasks: rows.filter(isWireObject).flatMap((row) => readTask(new Fields(row), type) ?? []),
  }));
}

export function parseTaskDetails(text: string, type: TaskType): Content<TaskDetails> {
  return parseBody(text, (body) => {
    const fields = new Fields(isWireObject(body) ? body : {});
    const notes = {
      description: fields.text('description'),
      level: fields.text('level'),
      alarmCondition: fields.text('alarm_condition'),
      rules: readRules(fields.list('sub_rules'), '', new Map()),
    };
    const task = readTask(fields, type);
    return task === null ? { problem: 'it has no integer "id"' } : { value: { ...task, ...notes } };
  });
}

export function parseResultPage(text: string): Content<ResultPage> {
  return parseList(text, (rows, count) => ({
    count,
    rows: rows.length,
    rules: rows.filter(isWireObject).map(readResults),
  }));
}

function parseList<T>(text: string, read: (rows: readonly unknown[], count: number | null) => T): Content<T> {
  return parseBody(text, (body) => {
    const list = listIn(body);
    return 'problem' in list ? list : { value: read(list.value.rows, list.value.count) };
  });
}

/** The fields of a row. Keeps track of those that nobody has asked for or that cannot be read, for `extra`. */
class Fields {
  readonly #row: WireObject;
  readonly #asked = new Set<string>();
  readonly #odd: OddFields = [];

  constructor(row: WireObject) {
    this.#row = row;
  }

  take(field: string): unknown {
    this.#asked.add(field);
    return this.#row[field];
  }

  text(field: string): string | null {
    return this.#read(field, plainText);
  }

  int64(field: string): bigint | null {
    return this.#read(field, int64Of);
  }

  /** Returns null for anything else, which `extra` keeps. */
  list(field: string): readonly unknown[] | null {
    return this.#read(field, (value) => (Array.isArray(value) ? value : null));
  }

  time(field: string): EpochMs | null {
    return this.#read(field, (value) => timeOf(value));
  }

  /** Returns all other fields as JSON text; null if there are none. Call it last. */
  extra(): string | null {
    return extraOf(this.#row, this.#odd, this.#asked);
  }

  #read<T>(field: string, read: (value: unknown) => T | null): T | null {
    this.#asked.add(field);
    return optional(this.#row, field, this.#odd, read);
  }
}

/** Returns null for a row without a readable id, which cannot be joined to anything. */
function readTask(fields: Fields, type: TaskType): Task | null {
  const id = fields.int64('id');
  return id === null
    ? null
    : {
        id,
        type,
        name: fields.text('name'),
        categoryId: fields.int64('category_id'),
        scheduleStatus: fields.text('schedule_status'),
        schedulePeriod: fields.text('schedule_period'),
        scheduleInterval: fields.text('schedule_interval'),
        createTimeMs: fields.time('create_time'),
        lastRunTimeMs: fields.time('last_run_time'),
        creator: fields.text('creator'),
        extra: fields.extra(),
      };
}

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
  const fields = new Fields(row);
  const id = fields.int64('id');
  const part = seen.get(id) ?? 0;
  seen.set(id, part + 1);
  return {
    id,
    part,
    position,
    name: fields.text('sub_rule_name'),
    type: fields.text('type'),
    templateId: fields.int64('template_id'),
    dimension: fields.text('dimension'),
    connection: fields.text('connection'),
    connectionType: fields.text('connection_type'),
    databases: fields.text('databases'),
    tables: fields.text('tables'),
    columns: fields.text('columns'),
    sql: fields.text('sql'),
    alarmCondition: fields.text('alarm_condition'),
    weight: fields.int64('weight'),
    level: fields.text('level'),
    extra: fields.extra(),
  };
}

/** Returns text unchanged, and anything else, such as a list of columns, as JSON text. */
function plainText(value: unknown): string {
  return textOf(value) ?? writeExactJson(value).toWellFormed();
}

/** Returns the results of one rule, one per object; one without an object if the rule has none. */
function readResults(row: WireObject): RuleResult[] {
  const fields = new Fields(row);
  const objects = objectsOf(fields.take('results'));
  const rule = {
    ruleId: fields.int64('sub_rule_id'),
    ruleInstanceId: fields.int64('sub_instance_instance_id'),
    abnormalTableStatus: fields.text('abnormal_table_status'),
    extra: fields.extra(),
  };
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
  const truth = typeof value === 'string' ? value.toLowerCase() : value;
  return truth === true || truth === 'true' ? true : truth === false || truth === 'false' ? false : null;
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
