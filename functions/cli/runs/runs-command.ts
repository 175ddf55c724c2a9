/** `dqsync runs`: shows the last runs of each target, local and deployed. */
import { loadRuns, type RunRecord } from '../../checkpoint/run-history.ts';
import { parseTime, shortDuration } from '../../clock.ts';
import { count, counted, paragraph, shortTime } from '../terminal/formats.ts';
import { openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeResult } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import { timeCell } from '../terminal/table-times.ts';

interface RunsOptions extends TargetOptions {
  readonly limit: number;
  readonly vertical?: boolean;
}

interface TargetRuns {
  readonly target: string;
  /** Newest first. */
  readonly runs: readonly RunRecord[];
}

/**
 * Shows the last runs.
 *
 * @throws ConfigError, StorageError
 */
export async function runs(options: RunsOptions): Promise<number> {
  const { store, targets } = await openTargets(options);
  const found: TargetRuns[] = [];
  for (const { name } of targets) {
    found.push({ target: name, runs: (await loadRuns(store, name)).toReversed() });
  }
  writeResult(
    options,
    found.map((one) => ({ target: one.target, runs: one.runs.slice(0, options.limit) })),
    () => found.map((one) => describeRuns(one, options)).join('\n\n'),
  );
  return 0;
}

const headings = ['started', 'mode', 'window', 'rows', 'new', 'requests', 'time', 'outcome'];

function describeRuns({ target, runs: all }: TargetRuns, { limit, vertical }: RunsOptions): string {
  if (all.length === 0) {
    return `${paint.bold(target)}  no runs yet`;
  }
  const shown = all.slice(0, limit);
  const howMany =
    shown.length < all.length
      ? `the last ${count(shown.length)} of ${counted(all.length, 'run')}; all with --limit ${all.length}`
      : counted(all.length, 'run');
  const failures = shown.filter(({ error }) => error !== null);
  return [
    `${paint.bold(target)}  ${howMany}`,
    renderTable(headings, shown.map(cellsOf), { isVertical: vertical }),
    ...failures.map(({ startedAt, error }) => `${paint.red('✗')} ${shortTime(startedAt)}  ${paragraph(error ?? '')}`),
  ].join('\n');
}

function cellsOf(run: RunRecord): Cell[] {
  const { startedAt, mode, rowsRead, rowsWritten, requests, outcome } = run;
  return [
    timeCell(startedAt),
    // Shown by the name of its command.
    mode === 'incremental' ? 'sync' : mode,
    between(run.from, run.to),
    rowsRead,
    rowsWritten,
    requests,
    between(startedAt, run.endedAt),
    outcome,
  ];
}

function between(from: string | null, to: string | null): string | null {
  const fromMs = from === null ? null : parseTime(from);
  const toMs = to === null ? null : parseTime(to);
  return fromMs === null || toMs === null ? null : shortDuration(toMs - fromMs);
}
