/** Lists executions whose rule results are to be fetched, by asking the source for them again. */
import type { ListedWindow, WrittenExecution } from '../checkpoint/pending-results.ts';
import { partToList, type ResultsWindow } from '../checkpoint/results-windows.ts';
import type { PageFilter } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { readWindow } from '../reading/read-window.ts';
import { failedStatuses, type ResultsBacklog } from './results-backlog.ts';
import { lateRowsFrom } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/**
 * Lists the newest part of a window.
 *
 * An execution that settles meanwhile may be missing. The sync that writes it adds it to the backlog itself.
 *
 * @throws what the source throws
 */
export async function listPart(
  run: TargetRun,
  source: PageSource,
  backlog: ResultsBacklog,
  window: ResultsWindow,
): Promise<ListedWindow> {
  const part = partToList(window);
  const filters: PageFilter[] = backlog.wanted === 'all' ? [{}] : failedStatuses.map((runStatus) => ({ runStatus }));
  const found: WrittenExecution[] = [];
  for (const filter of filters) {
    const { collected, unproven, failure } = await readWindow(
      { ...source, filter: { ...source.filter, ...filter } },
      {
        window: part,
        settledUntilMs: lateRowsFrom(run, run.clock.now() - run.settings.settleMs),
        rereadFromMs: Number.POSITIVE_INFINITY,
        maxRows: Number.POSITIVE_INFINITY,
      },
    );
    if (failure !== null) {
      throw failure;
    }
    for (const { message } of unproven) {
      // What the source does not show a sync could not have read either.
      run.log('info', `rule results of some executions may be missing: ${message}`, { target: run.target.name });
    }
    found.push(...[...collected.seen.values()].map(({ execution }) => backlog.asWritten(execution)));
  }
  return {
    window,
    part,
    found: found.filter(({ startTimeMs }) => startTimeMs >= part.fromMs && startTimeMs < part.toMs),
  };
}
