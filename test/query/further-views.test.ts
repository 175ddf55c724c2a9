/** The views of tasks, rules, results and failures, compared with the source. */
import { describe, expect, it } from 'vitest';
import { compactedTables } from '../../functions/compaction/tables.ts';
import type { WarehouseSql } from '../../functions/query/duckdb.ts';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';
import { opened } from '../support/warehouse-sql.ts';

async function ask(warehouse: WarehouseSql, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await warehouse.run(sql)).rows;
}

async function syncedWorld(): Promise<SyncedSource> {
  const world = await syncedSource();
  world.sim.life.addMany(400, { fromMs: world.clock.now() - 3 * dayMs, toMs: world.clock.now() - hourMs });
  await world.syncWell({ results: 'spare', tasks: true });
  return world;
}

describe('the other views than quality_instances', () => {
  it('show each task, rule and result once, with exact ids beyond 2^53', async () => {
    const world = await syncedWorld();
    const sql = await opened(world.store);
    const tasks = world.sim.tasks().map(({ definition }) => definition);
    expect(await ask(sql, 'SELECT task_id, task_name FROM quality_tasks ORDER BY task_id')).toEqual(
      tasks.map(({ task }) => [BigInt(task.taskId), task.name]).sort((a, b) => (a[0]! < b[0]! ? -1 : 1)),
    );
    const rules = tasks.flatMap((task) => task.rules.flat().map((rule) => BigInt(rule.idText)));
    const shown = (await ask(sql, 'SELECT rule_id FROM quality_rules')).map(([id]) => id);
    expect(new Set(shown)).toEqual(new Set(rules));
    expect(shown).toHaveLength(rules.length);
    const failed = world.sim.truth().executions.filter(({ runStatus }) => runStatus !== 'SUCCESS');
    const results = failed.flatMap(({ id }) => world.sim.results(id).map(({ ruleInstanceId }) => ruleInstanceId));
    const found = await ask(sql, 'SELECT rule_instance_id FROM quality_results');
    expect(found.map(([id]) => String(id)).sort()).toEqual(results.map(String).sort());
  });

  it('keep results that the source no longer has when they are fetched again', async () => {
    const world = await syncedWorld();
    const earlier = `SELECT * EXCLUDE (observed_at, run_id) FROM quality_results
      WHERE start_time < '${new Date(world.clock.now()).toISOString()}' ORDER BY ALL`;
    const before = await ask(await opened(world.store), earlier);
    world.clock.advance(3 * dayMs);
    // A run that fetches results forgets which ones are older than a day.
    world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs: world.clock.now() - 60_000 });
    await world.syncWell({ results: 'spare' });
    world.sim.traps.resultDelayMs = 99 * dayMs;
    const window = { fromMs: world.clock.now() - 7 * dayMs, toMs: world.clock.now() - dayMs };
    await world.backfill({ window, again: true }, { results: 'all' });
    let results = 0;
    for (let request = 2; request <= 5; request += 1) {
      world.clock.advance(dayMs);
      results += (await world.syncWell({ results: 'spare' })).results;
    }
    expect(results).toBeGreaterThan(20);
    expect(await ask(await opened(world.store), earlier)).toEqual(before);
  });

  it('I18: show the same while files that a compaction has replaced still exist', async () => {
    const world = await syncedWorld();
    const sql = await opened(world.store);
    const views = ['quality_instances', 'quality_tasks', 'quality_rules', 'quality_results', 'quality_failures'];
    const shown = async (): Promise<string[][]> => {
      const rows: string[][] = [];
      for (const view of views) {
        rows.push((await ask(sql, `SELECT * FROM ${view}`)).map(String).sort());
      }
      return rows;
    };
    const before = await shown();
    expect(before.every((rows) => rows.length > 0)).toBe(true);
    for (const { name } of compactedTables) {
      for await (const { key } of world.store.list(`${name}/`)) {
        const object = await world.store.get(key);
        const copy = key.replace(/[^/]*$/, `compact-1-${'0'.repeat(32)}-0.parquet`);
        await world.store.putIfAbsent(copy, object?.bytes ?? new Uint8Array());
      }
    }
    expect(await shown()).toEqual(before);
  });

  it('show the same rows whichever partitions a query needs', async () => {
    const sql = await opened((await syncedWorld()).store);
    for (const view of ['quality_rules', 'quality_failures']) {
      const some = view === 'quality_rules' ? `workspace <> 'x'` : `dt = '2026-05-30'`;
      for (const query of [
        `FROM ${view} EXCEPT FROM ${view} WHERE ${some}`,
        `WITH a AS MATERIALIZED (FROM ${view}) SELECT count(*) FROM a x, a y WHERE x.${some}`,
        `SELECT count(*) FROM quality_instances i LEFT JOIN ${view} x USING (task_id) WHERE i.dt = '2026-05-29'`,
        `SELECT count(*) FROM quality_instances i RIGHT JOIN ${view} x ON x.task_id = i.task_id AND i.dt = '2026-05-29'`,
        `SELECT count(*) FROM quality_instances i ANTI JOIN ${view} x ON x.task_id = i.task_id AND x.${some}`,
        `PIVOT ${view} ON project_id USING count(*) GROUP BY workspace`,
      ]) {
        const { rows } = await sql.run(query);
        const ofAll = await sql.run(`CREATE OR REPLACE TEMP TABLE nothing AS SELECT 1; ${query}`);
        expect(rows.map(String).sort(), query).toEqual(ofAll.rows.map(String).sort());
      }
    }
  });

  it('show the rule, table and column of each failure, and failures without results too', async () => {
    const world = await syncedWorld();
    world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs: world.clock.now() - 60_000 });
    await world.syncWell();
    const sql = await opened(world.store);
    const failed = world.sim.truth().executions.filter(({ runStatus }) => runStatus !== 'SUCCESS');
    const shown = await ask(sql, 'SELECT DISTINCT instance_id FROM quality_failures');
    expect(shown.map(([id]) => String(id)).sort()).toEqual(failed.map(({ id }) => String(id)).sort());
    const rows = await ask(
      sql,
      `SELECT instance_id, rule_id, tables, columns, alarm_condition FROM quality_failures WHERE alarmed ORDER BY 1, 2`,
    );
    const rules = new Map(
      world.sim
        .tasks()
        .flatMap(({ definition }) => definition.rules.flat().map((rule) => [rule.idText, rule] as const)),
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const [, ruleId, tables, columns, condition] of rows) {
      const rule = rules.get(String(ruleId))!;
      expect([tables, columns, condition]).toEqual([rule.tables, rule.columns, rule.alarmCondition]);
    }
    const day = String((await ask(sql, 'SELECT max(dt) FROM quality_failures'))[0]?.[0]);
    expect((await ask(sql, `SELECT * FROM quality_failures WHERE dt = '${day}'`)).length).toBeGreaterThan(0);
  });
});

describe('the questions about them', () => {
  const questions = namedQueries({ view: 'quality_instances', lastDays: null });
  const sqlOf = (title: string): string => questions.find((question) => question.title === title)?.sql ?? '';

  it('find the rules that failed most, with table, column and count', async () => {
    const world = await syncedWorld();
    const sql = await opened(world.store);
    const rows = await ask(sql, sqlOf('Rules failing most, by table and column'));
    const alarms = new Map<string, number>();
    for (const { id, runStatus } of world.sim.truth().executions) {
      for (const { ruleId } of runStatus === 'SUCCESS' ? [] : world.sim.results(id).filter(({ alarmed }) => alarmed)) {
        alarms.set(String(ruleId), (alarms.get(String(ruleId)) ?? 0) + 1);
      }
    }
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.map((row) => [String(row[7]), Number(row[8])])).toEqual(
      rows.map((row) => [String(row[7]), alarms.get(String(row[7]))]),
    );
    const values = await ask(sql, sqlOf('Values of a rule over time'));
    expect(values.some((row) => String(row[6]).includes('Total Rows'))).toBe(true);
  });

  it('count each execution of an instance that was run again, with its alarm and its notification', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 1 });
    const { id } = world.sim.life.addExecution({ task, runStatus: 'RUNNING' });
    for (const notifyStatus of ['SUCCESS', 'FAILED', 'SUCCESS']) {
      world.clock.advance(5 * minuteMs);
      world.sim.life.finish(id, 'ALARMING');
      world.sim.life.setNotify(id, notifyStatus);
      await world.syncWell({ results: 'all', tasks: true });
      world.clock.advance(30 * minuteMs);
      world.sim.life.rerun(id);
    }
    const sql = await opened(world.store);
    const [byRule] = (await sql.run(sqlOf('Rules failing most, by table and column'))).rows;
    expect(byRule).toMatchObject({ 8: 3n, 10: 2n });
    const [byTask] = (await sql.run(sqlOf('Rules failing most'))).rows;
    expect(byTask).toMatchObject({ 3: 3n });
  });

  it('find rules that stopped running, without those of deleted tasks', async () => {
    const world = await syncedSource();
    const [stopped, deleted, running] = ['stopped', 'deleted', 'running'].map((name) =>
      world.sim.life.addTask({ name }),
    );
    for (let day = 20; day > 0; day -= 1) {
      for (const task of day > 15 ? [stopped!, deleted!, running!] : [running!]) {
        world.sim.life.addExecution({ task, startTimeMs: world.clock.now() - day * dayMs });
      }
    }
    await world.syncWell({ tasks: true });
    const names = async () => {
      const found = await ask(await opened(world.store), sqlOf('Rules that stopped running'));
      return found.map((row) => row[2]).sort();
    };
    expect(await names()).toEqual(['deleted', 'stopped']);
    world.sim.life.tasks().remove(BigInt(deleted!.task.taskId));
    await world.syncWell({ tasks: true });
    expect(await names()).toEqual(['stopped']);
  });

  it('find scheduled tasks that did not run, and tables that no rule has checked', async () => {
    const world = await syncedSource();
    const name = (table: string) => `${table}/check`;
    const tasks = ['ran', 'late', 'never'].map((table) =>
      world.sim.life.addTask({ name: name(table), everyMs: dayMs }),
    );
    const unscheduled = world.sim.life.addTask({ name: name('unscheduled') });
    world.sim.life.addExecution({ task: tasks[0]!, startTimeMs: world.clock.now() - hourMs });
    world.sim.life.addExecution({ task: tasks[1]!, startTimeMs: world.clock.now() - 20 * dayMs });
    await world.syncWell({ tasks: true });
    const sql = await opened(world.store);
    const late = await ask(sql, sqlOf('Tasks scheduled that did not run'));
    expect(late.map((row) => row[2])).toEqual(expect.arrayContaining([name('late'), name('never')]));
    expect(late).toHaveLength(2);
    const since = new Date(world.clock.now() - 7 * dayMs).toISOString().slice(0, 10);
    const question = sqlOf('Tables without any rule run this week').replace(
      /dt >= CAST\(CAST\([^)]*\) AS varchar\)/,
      `dt >= '${since}'`,
    );
    const tables = (await ask(sql, question)).map((row) => row[2]);
    expect(new Set(tables)).toEqual(new Set(['late', 'never', unscheduled.rules[0]?.[0]?.tables]));
  });
});
