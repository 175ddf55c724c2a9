/**
 * The page as text: its size, and that nothing in the data gets out of it. test/e2e/report.e2e.test.ts has the browser.
 */
import { describe, expect, it } from 'vitest';
import type { IncidentData, TaskData, WholeReport } from '../../functions/report/report-data.ts';
import { maxPageBytes, reportPage } from '../../functions/report/report-page.ts';
import { totalsOf } from '../../functions/report/totals.ts';
import { seededRandom } from '../simulator/random.ts';
import { newYearMs } from '../support/builders.ts';
import { dataInPage } from '../support/page-data.ts';

const assets = { script: 'draw();', style: 'body{}' };
const days = Array.from({ length: 30 }, (_, day) => `2026-01-${String(day + 1).padStart(2, '0')}`);

const random = seededRandom(7);

/** A task, none of whose executions are alike. */
function aTask(parts: Partial<TaskData> = {}, runs = 30): TaskData {
  return {
    w: 0,
    id: '1170000000000000001',
    name: 'rule',
    type: 'QUALITY_TASK',
    level: 'MAJOR',
    creator: 'dq-admin',
    schedule: 'SCHEDULING · DAY',
    isDeleted: false,
    outcome: 'SUCCESS',
    inARow: 1,
    sinceMs: newYearMs,
    sinceMayBeOlder: false,
    lastMs: newYearMs,
    passed: 300,
    alarms: 0,
    failed: 0,
    open: 0,
    silent: 0,
    runs24: 10,
    bad24: 0,
    silent24: 0,
    incidents: 0,
    isFlapping: false,
    p50Ms: 1000,
    p95Ms: 2000,
    slowdown: null,
    slowerMs: null,
    stoppedMs: null,
    days: days.map(() => [10, 0, 0]),
    runs: Array.from({ length: runs }, (_, index) => ({
      id: `1180${random.between(1e14, 1e15 - 1)}`,
      startMs: newYearMs + index * 3_600_000 + random.between(0, 3_600_000),
      durationMs: random.between(0, 60_000),
      status: 'SUCCESS',
      notified: 'NOT_TRIGGERED',
    })),
    rules: [],
    rulesInAll: 0,
    findings: [],
    ...parts,
  };
}

function aReport(tasks: readonly TaskData[], incidents: readonly IncidentData[] = []): WholeReport {
  return {
    madeAtMs: newYearMs,
    asOfMs: newYearMs,
    timeZone: 'UTC',
    days,
    readFromDay: days[0] ?? '',
    executions: tasks.length * 300,
    targets: [],
    workspaces: [
      {
        ...{ workspace: 'w', projectId: 'p', label: 'sales', days: days.map(() => [999, 0, 0] as const), hours: [] },
        totals: totalsOf(tasks, newYearMs),
      },
    ],
    tasks,
    incidents,
  };
}

function anIncident(t: number): IncidentData {
  const ms = newYearMs;
  return {
    t,
    openedMs: ms,
    mayBeOlder: false,
    resolvedMs: ms,
    lastBadMs: ms,
    runs: 1,
    outcome: 'FAILED',
  };
}

describe('the page', () => {
  it('stays below its size limit, keeps the most important tasks, and reports what it leaves out', () => {
    const digits = (): number => random.between(1e14, 1e15 - 1);
    const tasks = Array.from({ length: 8_000 }, (_, index) =>
      aTask({ name: `任务 ${index} ${Array.from({ length: 10 }, digits).join(' ')}` }, 6),
    );
    const { html, data } = reportPage(
      aReport(
        tasks,
        tasks.map((_, t) => anIncident(t)),
      ),
      assets,
    );
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(maxPageBytes);
    expect(Buffer.byteLength(html)).toBeGreaterThan(0.9 * maxPageBytes);
    expect(data.tasks[0]?.name).toMatch(/^任务 0 /);
    expect(data.leftOut).toEqual({
      tasks: 8_000 - data.tasks.length,
      runsPerTask: 5,
      rulesPerTask: 0,
      findingsPerTask: 0,
      incidents: 8_000 - data.incidents.length,
    });
    expect(data.incidents.every(({ t }) => t < data.tasks.length)).toBe(true);
    expect(data.workspaces[0]?.days).toHaveLength(30);
  });

  it('leaves out executions before tasks, the oldest first', () => {
    const tasks = Array.from({ length: 3_000 }, () => aTask());
    const { data } = reportPage(aReport(tasks), assets);
    const { runsPerTask } = data.leftOut;
    expect(runsPerTask).toBeLessThan(30);
    expect(data.tasks).toHaveLength(3_000);
    expect(data.tasks[0]?.runs).toEqual(tasks[0]?.runs.slice(30 - runsPerTask));
  });

  it.each(['</script><img src=x onerror=alert(1)>', '<!--<script>', ']]>', `"'\`\u2028\u0000`, '𠮷野家 \ud800'])(
    'contains the name %j as data that no HTML parser reads as a tag',
    (name) => {
      const { html } = reportPage(aReport([aTask({ name })]), assets);
      expect(dataInPage(html).tasks[0]?.name).toBe(name);
    },
  );

  it('lets only its own script run and loads nothing', () => {
    const { html } = reportPage(aReport([]), assets);
    expect(html).toContain(`default-src 'none'; script-src 'sha256-`);
    expect(html).not.toMatch(/\b(src|href)=/);
  });
});
