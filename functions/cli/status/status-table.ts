/** Shows all targets with one line each. Pure except for colors. */
import { shortDuration } from '../../clock.ts';
import { counted, paragraph } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import type { StatusReport } from './status-report.ts';

const headings = ['target', 'behind', 'rows', 'open', 'gaps', 'aside', 'last run', 'health'];

/** Returns a table, the problems below it, and where to find details. */
export function describeStatuses(reports: readonly StatusReport[]): string {
  const ill = reports.filter(({ problem }) => problem !== null);
  const aside = reports.filter(
    ({ status }) => !('error' in status) && status.quarantined + status.expiredExecutions > 0,
  );
  return [
    renderTable(headings, reports.map(cellsOf)),
    '',
    ...ill.map(({ target, problem }) => `${paint.red('✗')} ${paint.bold(target)}  ${paragraph(problem?.text ?? '')}`),
    ...(ill.length === 0 ? [`${paint.green('✓')} ${counted(reports.length, 'target')}, all healthy`] : []),
    ...(aside.length === 0 ? [] : [`"aside": rows in quarantine (dqsync quarantine) and executions that expired`]),
    paint.dim('Details: dqsync status --target <name>, or dqsync status -v'),
  ].join('\n');
}

function cellsOf({ target, status, problem }: StatusReport): Cell[] {
  const health = problem?.word ?? 'ok';
  if ('error' in status) {
    return [target, null, null, null, null, null, null, health];
  }
  const { watermarkAgeSeconds, coverage, openExecutions, expiredExecutions, quarantined, lastRun } = status;
  return [
    target,
    watermarkAgeSeconds === null ? null : shortDuration(watermarkAgeSeconds * 1000),
    coverage.rows,
    openExecutions,
    coverage.gaps.length,
    expiredExecutions + quarantined,
    lastRun?.outcome ?? null,
    health,
  ];
}
