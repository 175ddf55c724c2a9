/** The views and questions about tasks, rules and results, over what an odd source has sent. */
import { describe, expect, it } from 'vitest';
import { furtherViews } from '../../functions/query/further-views.ts';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { parseResultPage, parseTaskDetails } from '../../functions/source/task-wire.ts';
import { writeRows } from '../../functions/warehouse/data-files.ts';
import { resultTable } from '../../functions/warehouse/result-table.ts';
import { taskTable } from '../../functions/warehouse/task-table.ts';
import { frozenClock } from '../simulator/movable-clock.ts';
import { anObservation } from '../support/builders.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;
/** An hour ago, so that questions about the last days see it. */
const startTimeMs = Math.floor(Date.now() / 1000) * 1000 - hourMs;
const longId = 9_223_372_036_854_775_807n;
const shared = {
  workspace: '0042',
  projectId: 'p',
  observedAtMs: startTimeMs + 60_000,
  runId: '20260101T000500Z-00000001',
};

/** Tasks with the least that a source may send of one, comparisons in lists of lists, and texts of all kinds. */
const tasks = [
  `{"id":${longId}}`,
  '{"id":2,"name":null,"schedule_status":"SCHEDULING","schedule_period":"周","schedule_interval":"[\\"08:00\\"]","last_run_time":-1,"sub_rules":null}',
  '{"id":3,"name":"对比\\u0000\\"\\n","sub_rules":[[{"id":31,"tables":["源表"],"columns":null},{"id":31,"tables":"目标表"}],[[{"id":33}]]]}',
  '{"id":4,"name":"无列","schedule_status":"SCHEDULING","schedule_period":"DAY","schedule_interval":"1","sub_rules":[{"id":"41","tables":"表","databases":"库"},{"sub_rule_name":"没有编号"},7]}',
];
/** Results of the instances 1 to 5. */
const results = [
  '{"count":1,"resources":[{"sub_rule_id":"41","results":[{"告警状态":"true","名称":"1_库.表","总行数":"9007199254740993"}]}]}',
  '{"count":1,"resources":[{"sub_rule_id":null,"sub_instance_instance_id":null,"abnormal_table_status":null,"results":null}]}',
  '{"count":2,"resources":[{"sub_rule_id":"31","results":[[{"Status":"true","Name":"a"}],[{"Status":"false"},[null,"文"]]]},{"sub_rule_id":"33","results":[]}]}',
  `{"count":1,"resources":[{"sub_rule_id":"${longId}","results":[{"Statut":"true","x":{"y":[1e400,"\\ud842"]}}],"extra":{"_dqsync":1}}]}`,
  '{"count":1,"resources":[{"sub_rule_id":"nobody","results":"text"}]}',
];

async function hostileWarehouse() {
  const store = await tempWarehouse();
  const odd = { name: null, taskId: null, taskType: null, notifyStatus: null, endTimeMs: null };
  await writeObservations(store, [
    ...results.map((_, index) =>
      anObservation({
        ...shared,
        startTimeMs,
        id: BigInt(index + 1),
        taskId: [4n, 2n, 3n, longId, null][index] ?? null,
        runStatus: 'ALARMING',
      }),
    ),
    anObservation({ ...shared, ...odd, startTimeMs, id: longId, runStatus: 'FAILED' }),
    anObservation({ ...shared, ...odd, startTimeMs, id: 7n, runStatus: null }),
  ]);
  const run = {
    ...shared,
    store,
    target: { name: 'sales' },
    clock: { ...frozenClock(startTimeMs), sleep: async () => undefined },
    settings: { partitionTimeZone: 'UTC' },
  };
  const taskRows = tasks.flatMap((text) => {
    const content = parseTaskDetails(text, 'QUALITY_TASK');
    const task = 'value' in content ? content.value : null;
    expect(task, text).not.toBeNull();
    return [null, ...task!.rules].map((rule) => ({ ...shared, task: task!, rule, deletedAtMs: null }));
  });
  const resultRows = results.flatMap((text, index) => {
    const content = parseResultPage(text);
    const found = 'value' in content ? content.value.rules.flat() : [];
    return found.map((one) => ({
      ...shared,
      ...one,
      startTimeMs,
      instanceId: BigInt(index + 1),
      taskId: [4n, 2n, 3n, longId, null][index] ?? null,
    }));
  });
  await writeRows(run, taskTable, taskRows, 0);
  await writeRows(run, resultTable, resultRows, 0);
  return { sql: await opened(store), taskRows, resultRows };
}

describe('over what an odd source has sent', () => {
  it('each view shows every row once, and each question has an answer', async () => {
    const { sql, taskRows, resultRows } = await hostileWarehouse();
    const count = async (view: string): Promise<number> => (await sql.run(`SELECT * FROM ${view}`)).rows.length;
    expect(await count('quality_tasks')).toBe(tasks.length);
    expect(await count('quality_rules')).toBe(taskRows.length - tasks.length);
    expect(await count('quality_results')).toBe(resultRows.length);
    // One row for each result that is not known to be good, and one for the execution without any.
    expect(await count('quality_failures')).toBe(resultRows.filter(({ alarmed }) => alarmed !== false).length + 1);
    for (const lastDays of [null, 3]) {
      for (const { title, sql: question } of namedQueries({ view: 'quality_instances', lastDays })) {
        await expect(sql.run(question), title).resolves.toBeDefined();
      }
    }
  });

  it('the text for Athena gives the same rows as the view', async () => {
    const { sql } = await hostileWarehouse();
    for (const { name, sql: text } of furtherViews) {
      const asView = await sql.run(`SELECT * FROM ${name} ORDER BY ALL`);
      const asText = await sql.run(`SELECT * FROM (${text((table) => `"${table}"`)}) ORDER BY ALL`);
      expect(asText.rows, name).toEqual(asView.rows);
      expect(
        asText.columns.map((column) => column.name),
        name,
      ).toEqual(asView.columns.map((column) => column.name));
    }
  });

  it('failures name rule, table and metrics, exactly, whatever the language', async () => {
    const { sql } = await hostileWarehouse();
    const columns = 'instance_id, rule_id, databases, tables, columns, alarmed, object_name, metrics';
    expect(await ask(sql, `SELECT ${columns} FROM quality_failures WHERE alarmed ORDER BY instance_id`)).toEqual([
      {
        ...{ instance_id: 1n, rule_id: 41n, databases: '库', tables: '表', columns: null, alarmed: true },
        object_name: '1_库.表',
        metrics: '{"名称":"1_库.表","告警状态":"true","总行数":"9007199254740993"}',
      },
      {
        ...{ instance_id: 3n, rule_id: 31n, databases: null, tables: '["源表"]', columns: null, alarmed: true },
        object_name: 'a',
        metrics: '{"Name":"a","Status":"true"}',
      },
      {
        ...{ instance_id: 4n, rule_id: longId, databases: null, tables: null, columns: null, alarmed: true },
        object_name: null,
        metrics: expect.stringContaining('"x":{"y":[1e400,'),
      },
    ]);
    const titles = [
      'Rules failing most, by table and column',
      'Tables without any rule run this week',
      'Tasks scheduled that did not run',
    ];
    const questions = namedQueries({ view: 'quality_instances', lastDays: null });
    const answers = await Promise.all(
      titles.map((title) => ask(sql, questions.find((one) => one.title === title)!.sql)),
    );
    expect(answers[0]!.map((row) => row['rule_id'])).toEqual([31n, 41n, longId]);
    expect(answers[1]!.map((row) => row['tables'])).toEqual([]);
    expect(answers[2]!.map((row) => row['task_id'])).toEqual([]);
  });
});
