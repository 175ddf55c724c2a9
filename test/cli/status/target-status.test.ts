/** Predicts the next run from the checkpoint. */

import { describe, expect, it } from 'vitest';
import { type Checkpoint, emptyCheckpoint, type OpenEntry } from '../../../functions/checkpoint/checkpoint.ts';
import { noResults } from '../../../functions/checkpoint/results-document.ts';
import type { RunRecord } from '../../../functions/checkpoint/run-history.ts';
import { describeStatus } from '../../../functions/cli/status/status-report.ts';
import { statusOf } from '../../../functions/cli/status/target-status.ts';
import { anExecution, newYearMs } from '../../support/builders.ts';

const hourMs = 3_600_000;
const settings = { initialFromMs: newYearMs, settleMs: 60_000, lookbackMs: 900_000 };
const identity = { projectId: 'p', workspace: 'w', filter: {}, partitionTimeZone: 'UTC' };
const at = (hours: number) => new Date(newYearMs + hours * hourMs).toISOString();

function aStatus(parts: Partial<Checkpoint>, nowHours: number, runs: readonly RunRecord[] = []) {
  const beside = { runs, quarantined: 0, results: noResults };
  return statusOf('sales', { ...emptyCheckpoint(identity), ...parts }, beside, settings, newYearMs + nowHours * hourMs);
}

function covered(...spans: readonly (readonly [number, number])[]): Pick<Checkpoint, 'coverage' | 'incremental'> {
  const coverage = spans.map(([from, to]) => ({
    fromMs: newYearMs + from * hourMs,
    toMs: newYearMs + to * hourMs,
    rows: 10,
  }));
  const { fromMs = 0, toMs = 0 } = coverage.at(-1) ?? {};
  return { coverage, incremental: { fromMs, toMs } };
}

function anOpenEntry(hours: number, awaits: OpenEntry['awaits'] = 'outcome'): OpenEntry {
  const startTimeMs = newYearMs + hours * hourMs;
  const execution = anExecution({
    id: BigInt(Math.round(hours * 100)),
    startTimeMs,
    runStatus: 'RUNNING',
    endTimeMs: null,
  });
  return { execution, observedAtMs: startTimeMs, lookedAtMs: startTimeMs, awaits };
}

describe('the last run', () => {
  const lastRun = {
    ...{ runId: 'r2', mode: 'incremental' as const, outcome: 'done' as const, rowsWritten: 46, error: null },
    ...{ startedAtMs: newYearMs, committedAtMs: newYearMs + hourMs },
  };
  const recorded = (runId: string, rowsWritten: number): RunRecord => ({
    ...{ runId, mode: 'incremental', outcome: 'done', startedAt: at(0), endedAt: at(1), from: null, to: null },
    ...{ rowsRead: 0, rowsWritten, requests: 0, error: null },
  });

  it.each([
    [
      'includes the rows of gaps that it has filled, as "dqsync runs" does',
      [recorded('r1', 500), recorded('r2', 239)],
      239,
    ],
    ['shows the rows of its commits if it is not recorded', [recorded('r1', 500)], 46],
    ['shows the rows of its commits if it has not ended', [recorded('r2', 0)], 46],
  ])('%s', (_, runs, rowsWritten) => {
    expect(aStatus({ ...covered([0, 8]), lastRun }, 10, runs).lastRun).toMatchObject({ runId: 'r2', rowsWritten });
  });
});

describe('the next run', () => {
  it('begins at initialFrom if nothing is covered', () => {
    const status = aStatus({}, 10);
    expect(status.watermark).toBeNull();
    expect(status.nextRun).toEqual({ from: at(0), to: at(10 - 1 / 60), looksAgainAt: 0 });
  });

  it('begins at the watermark less lookback, and ends at now less settle time', () => {
    const status = aStatus(covered([0, 8]), 10);
    expect(status.watermark).toBe(at(8));
    expect(status.watermarkAgeSeconds).toBe(7200);
    expect(status.nextRun).toMatchObject({ from: at(7.75), to: at(10 - 1 / 60) });
  });

  it('counts only open executions that start before its window as re-checks', () => {
    const status = aStatus({ ...covered([0, 8]), open: [anOpenEntry(1), anOpenEntry(7.9)] }, 10);
    expect(status.openExecutions).toBe(2);
    expect(status.oldestOpenStart).toBe(at(1));
    expect(status.nextRun.looksAgainAt).toBe(1);
  });

  it('does not count executions that only wait for their notification', () => {
    const status = aStatus({ ...covered([0, 8]), open: [anOpenEntry(2, 'notification')] }, 10);
    expect(status).toMatchObject({ openExecutions: 0, oldestOpenStart: null, nextRun: { looksAgainAt: 0 } });
  });
});

it('names the gaps between initialFrom and the watermark', () => {
  const { coverage } = aStatus(covered([2, 4], [6, 8]), 10);
  expect(coverage).toMatchObject({ rows: 20, from: at(2), to: at(8) });
  expect(coverage.gaps).toEqual([
    { from: at(0), to: at(2) },
    { from: at(4), to: at(6) },
  ]);
});

describe('the line on completeness', () => {
  const incremental = (from: number, to: number) => ({
    fromMs: newYearMs + from * hourMs,
    toMs: newYearMs + to * hourMs,
  });
  const short = (hours: number) => at(hours).replace('.000Z', 'Z');

  it.each<[string, Partial<Checkpoint>, string]>([
    ['nothing is covered', {}, 'nothing yet'],
    [
      'only backfills have run',
      { ...covered([2, 4]), incremental: null },
      '10 executions by backfills, nothing by a sync yet',
    ],
    ['no gaps', covered([0, 8]), `${short(0)} to ${short(8)} (2 hours ago), 10 executions, no gaps`],
    [
      'gaps before the watermark',
      covered([2, 4], [6, 8]),
      `${short(2)} to ${short(8)} (2 hours ago), 20 executions, except for 2 gaps`,
    ],
    [
      'a gap that a sync could not prove',
      { ...covered([0, 4], [6, 8]), incremental: incremental(0, 8) },
      `${short(0)} to ${short(4)} (6 hours ago), 20 executions including later ones, 1 gap after that`,
    ],
    [
      'gaps before and after the watermark',
      { ...covered([2, 4], [6, 8]), incremental: incremental(2, 8) },
      `${short(2)} to ${short(4)} (6 hours ago), 20 executions including later ones, except for 1 gap, 1 gap after that`,
    ],
    [
      'a first sync that was interrupted after it had read later parts first',
      { ...covered([3, 5], [6, 8]), incremental: incremental(0, 8) },
      `nothing before ${short(3)} yet: the next sync continues at ${short(0)}; 20 executions from ${short(3)} to ${short(8)}`,
    ],
    [
      'a rewind to before everything that backfills have covered later',
      { ...covered([3, 5]), incremental: incremental(1, 1) },
      `nothing before ${short(3)} yet: the next sync continues at ${short(1)}; 10 executions from ${short(3)} to ${short(5)}`,
    ],
    [
      'a rewind to the end of the first backfill',
      { ...covered([0, 2]), incremental: incremental(2, 2) },
      `${short(0)} to ${short(2)} (8 hours ago), 10 executions, no gaps`,
    ],
  ])('does not end before it starts: %s', (_, parts, expected) => {
    const report = { target: 'sales', problem: null, status: aStatus(parts, 10), coverage: null, source: null };
    const text = describeStatus(report, { warehouse: 'file:///w', nowMs: newYearMs + 10 * hourMs });
    expect(/^ {2}complete {3}(.*)$/m.exec(text)?.[1]).toBe(expected);
  });
});
