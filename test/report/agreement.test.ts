/** The report, the changes and the saved queries answer the same question with the same figure. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { readChanges } from '../../functions/report/read-changes.ts';
import { readReport } from '../../functions/report/read-report.ts';
import type { TaskData } from '../../functions/report/report-data.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;
const nowMs = newYearMs + 100 * 24 * hourMs + 12 * hourMs;
const { workspace, projectId } = anObservation();
const flawless = { gaps: 0, gapsMs: 0, knownFromMs: null, lastRun: null, lastAudit: null, error: null };
const targets = [{ name: 'sales', workspace, projectId, watermarkMs: nowMs, ...flawless }];
const queries = namedQueries({ view: 'quality_instances', lastDays: null });
const statuses: Readonly<Record<string, string>> = { S: 'SUCCESS', A: 'ALARMING', F: 'FAILED', R: 'RUNNING' };

/** Tasks with and without ids, of one name or renamed; some executions start at the same time, in several states. */
const aTask = fc.record({
  taskId: fc.constantFrom(null, null, -1n, 7n, 9_007_199_254_740_993n),
  names: fc.array(fc.constantFrom('a', 'b', '订单', '\u202eb'), { minLength: 1, maxLength: 3 }),
  letters: fc.stringMatching(/^[SAFR]{1,40}$/),
  everyMs: fc.constantFrom(0, 61_000, hourMs, 5 * hourMs),
  notifyStatus: fc.constantFrom('SUCCESS', 'FAILED', null),
});

function executionsOf(tasks: readonly (typeof aTask extends fc.Arbitrary<infer Task> ? Task : never)[]): Observation[] {
  return tasks.flatMap(({ taskId, names, letters, everyMs, notifyStatus }, task) =>
    [...letters].map((letter, index) => {
      const startTimeMs = nowMs - hourMs - (letters.length - index) * everyMs;
      const duration = 1000 * ((index * 7) % 23);
      return anObservation({
        ...{ id: BigInt((index * 37) % 41) - 20n + BigInt(task) * 100n, taskId, notifyStatus, startTimeMs },
        name: names[(taskId === null ? 0 : index) % names.length] ?? null,
        runStatus: statuses[letter] ?? null,
        endTimeMs: letter === 'R' ? null : startTimeMs + duration,
      });
    }),
  );
}

/** A task that was renamed has the name of its newest execution that a query counts. */
const keyOf = ({ id, name }: Pick<TaskData, 'id' | 'name'>): string => id ?? `name ${name}`;

it('the report, the changes and the saved queries agree about random executions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aTask, { minLength: 1, maxLength: 6 }), async (tasks) => {
      const store = await tempWarehouse();
      await writeObservations(store, executionsOf(tasks));
      const request = { nowMs, timeZone: 'UTC', targets, definitions: new Map() };
      const report = await readReport(await opened(store), { ...request, days: 30 });
      const changes = await readChanges(await opened(store), { ...request, sinceMs: nowMs - 20 * 24 * hourMs });
      const sql = await opened(store);
      const answer = (title: string) => ask(sql, queries.find((query) => query.title === title)?.sql ?? '');
      const ofTask = (row: Record<string, unknown>): string =>
        keyOf({ id: row['task_id'] === null ? null : String(row['task_id']), name: String(row['name']) });

      const days = report.days.map((day, index) => [day, ...(report.workspaces[0]?.days[index] ?? [])]);
      const ended = days.filter(([, ...counts]) => counts.some((count) => Number(count) > 0)).toReversed();
      const byDay = await answer('Pass rate by day');
      expect(
        byDay.map((row) => [row['dt'], ...['passed', 'alarms', 'failed'].map((name) => Number(row[name]))]),
      ).toEqual(ended);
      const bad = report.tasks.filter(({ alarms, failed }) => alarms + failed > 0);
      const failing = await answer('Rules failing most');
      expect(new Set(failing.map((row) => `${ofTask(row)} ${row['bad']} ${row['finished']}`))).toEqual(
        new Set(
          bad.map((task) => `${keyOf(task)} ${task.alarms + task.failed} ${task.passed + task.alarms + task.failed}`),
        ),
      );
      const slowest = await answer('Slowest rules');
      expect(new Set(slowest.map((row) => `${ofTask(row)} ${row['p50_seconds']} ${row['p95_seconds']}`))).toEqual(
        new Set(
          report.tasks
            .filter(({ p50Ms }) => p50Ms !== null)
            .map((task) => `${keyOf(task)} ${Number(task.p50Ms) / 1000} ${Number(task.p95Ms) / 1000}`),
        ),
      );
      const silent = report.tasks.reduce((sum, task) => sum + task.silent, 0);
      expect(await answer('Alarms nobody was notified of')).toHaveLength(Math.min(100, silent));
      const began = changes?.filter(({ from, to }) => from === 'SUCCESS' && to !== 'SUCCESS') ?? [];
      const opening = report.incidents.filter(({ mayBeOlder }) => !mayBeOlder);
      expect(opening.map(({ t, openedMs }) => `${report.tasks[t]?.id} ${openedMs}`).sort()).toEqual(
        began.map(({ taskId, sinceMs }) => `${taskId} ${sinceMs}`).sort(),
      );
    }),
    { numRuns: 15 },
  );
});
