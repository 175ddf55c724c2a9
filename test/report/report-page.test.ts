/**
 * The page as text: its size, and that nothing in the data gets out of it. test/e2e/report.e2e.test.ts has the browser.
 */
import { describe, expect, it } from 'vitest';
import { unpackDays } from '../../functions/report/packing.ts';
import type { IncidentData, ReportData, TaskData } from '../../functions/report/report-data.ts';
import { maxPageBytes, reportPage } from '../../functions/report/report-page.ts';
import { newYearMs } from '../support/builders.ts';

const assets = { script: 'draw();', style: 'body{}' };
const days = Array.from({ length: 30 }, (_, day) => `2026-01-${String(day + 1).padStart(2, '0')}`);

function aTask(parts: Partial<TaskData> = {}, runs = 30): TaskData {
  const each = (text: string): string => Array.from({ length: runs }, () => text).join(',');
  return {
    w: 0,
    id: '1170000000000000001',
    name: 'rule',
    type: 'QUALITY_TASK',
    level: 'MAJOR',
    creator: 'dq-admin',
    schedule: 'SCHEDULING · DAY',
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
    stoppedMs: null,
    days: days.map(() => '10').join(';'),
    runs: {
      ids: each('1180000000000000001'),
      starts: each('3600000'),
      durations: each('60000'),
      statuses: 'S'.repeat(runs),
      notified: 'N'.repeat(runs),
    },
    rules: [],
    findings: [],
    ...parts,
  };
}

function aReport(tasks: readonly TaskData[], incidents: readonly IncidentData[] = []): ReportData {
  return {
    madeAtMs: newYearMs,
    asOfMs: newYearMs,
    timeZone: 'UTC',
    days,
    readFromDay: days[0] ?? '',
    executions: tasks.length * 300,
    targets: [],
    workspaces: [{ workspace: 'w', projectId: 'p', label: 'sales', days: days.map(() => '999').join(';'), hours: '' }],
    tasks,
    incidents,
    leftOut: { tasks: 0, runsPerTask: 30, rulesPerTask: 10, findingsPerTask: 12, incidents: 0 },
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
    firstId: '1',
  };
}

describe('the page', () => {
  it('stays below its size limit, keeps the most important tasks, and reports what it leaves out', () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => aTask({ name: `任务 ${index}` }));
    const { html, data } = reportPage(
      aReport(
        tasks,
        tasks.map((_, t) => anIncident(t)),
      ),
      assets,
    );
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(maxPageBytes);
    expect(Buffer.byteLength(html)).toBeGreaterThan(0.9 * maxPageBytes);
    expect(data.tasks[0]?.name).toBe('任务 0');
    expect(data.leftOut).toEqual({
      tasks: 10_000 - data.tasks.length,
      runsPerTask: 5,
      rulesPerTask: 0,
      findingsPerTask: 0,
      incidents: 10_000 - data.incidents.length,
    });
    expect(data.incidents.every(({ t }) => t < data.tasks.length)).toBe(true);
    expect(unpackDays(data.workspaces[0]?.days ?? '')).toHaveLength(30);
  });

  it('leaves out executions before tasks, the oldest first', () => {
    const starts = Array.from({ length: 30 }, (_, index) => (index === 0 ? newYearMs : 1000)).join(',');
    const task = aTask();
    const { data } = reportPage(
      aReport(Array.from({ length: 2_500 }, () => ({ ...task, runs: { ...task.runs, starts } }))),
      assets,
    );
    const { runsPerTask } = data.leftOut;
    expect(runsPerTask).toBeLessThan(30);
    expect(data.tasks).toHaveLength(2_500);
    const [first, ...rest] = data.tasks[0]?.runs.starts.split(',').map(Number) ?? [];
    expect(rest).toHaveLength(runsPerTask - 1);
    expect(first).toBe(newYearMs + (30 - runsPerTask) * 1000);
  });

  it.each(['</script><img src=x onerror=alert(1)>', '<!--<script>', ']]>', `"'\`\u2028\u0000`, '𠮷野家 \ud800'])(
    'contains the name %j as data that no HTML parser reads as a tag',
    (name) => {
      const { html } = reportPage(aReport([aTask({ name })]), assets);
      const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
      expect(json).not.toContain('<');
      const { tasks } = JSON.parse(json);
      expect(tasks.rows[0][tasks.names.indexOf('name')]).toBe(name);
    },
  );

  it('lets only its own script run and loads nothing', () => {
    const { html } = reportPage(aReport([]), assets);
    expect(html).toContain(`default-src 'none'; script-src 'sha256-`);
    expect(html).not.toMatch(/\b(src|href)=/);
  });
});
