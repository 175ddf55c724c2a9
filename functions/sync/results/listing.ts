/** Lists executions whose rule results are to be fetched, by asking the source for them again. */
import type { ResultsWindow, WrittenExecution } from '../../checkpoint/results-document.ts';
import { type ListedWindow, partToList } from '../../checkpoint/results-windows.ts';
import { isoTime } from '../../clock.ts';
import { contains, gapsIn, unionOf } from '../../intervals.ts';
import type { PageFilter, Window } from '../../model.ts';
import { ask, type PageSource } from '../../reading/page-source.ts';
import { readWhole } from '../target-reader.ts';
import type { TargetRun } from '../target-run.ts';
import { failedStatuses, type ResultsBacklog } from './backlog.ts';
import { maxFailures, pauseMs } from './execution-results.ts';

/**
 * Lists the newest part of a window. What a source with many wrong replies leaves unread is to be listed later. What
 * the source fails to deliver is to be listed after a pause, up to `maxFailures` times.
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
  if (source.profile.hints.answered === null) {
    // Only a source that has answered another request is known to fail for the part alone.
    const toMs = run.clock.now() - run.settings.settleMs;
    await ask(source, { fromMs: toMs - 1, toMs });
  }
  const found: WrittenExecution[] = [];
  const unread: Window[] = [];
  const failed: Window[] = [];
  const isLastTry = window.tries + 1 >= maxFailures;
  for (const filter of wantedFilters(backlog)) {
    const ofStatus = { ...source, filter: { ...source.filter, ...filter } };
    const { collected, proven, unproven } = await readWhole(run, ofStatus, part);
    for (const { message, window: missing, cause } of unproven) {
      if (cause !== undefined && !isLastTry) {
        failed.push(missing);
        continue;
      }
      // Not listed again: the source has answered and does not show this second completely, or it failed for six days.
      const fields = { target: run.target.name, from: isoTime(missing.fromMs), to: isoTime(missing.toMs) };
      const remedy = 'Request them with "dqsync backfill --from <time> --to <time> --again --results".';
      run.log('warn', `rule results of some executions may be missing: ${message}. ${remedy}`, fields);
    }
    unread.push(...gapsIn(part, unionOf([...proven, ...unproven.map((error) => error.window)])));
    const shown = [...collected.seen.values()].filter(({ execution }) => contains(part, execution.startTimeMs));
    found.push(...shown.map(({ execution }) => backlog.asWritten(execution)));
  }
  const allFailed = unionOf(failed);
  return {
    ...{ window, part, found },
    unread: unionOf(unread).flatMap((left) => gapsIn(left, allFailed)),
    failed: allFailed,
    retryAtMs: run.clock.now() + pauseMs(window.tries),
  };
}

/** Returns the filters that together show all executions whose results are wanted. */
export function wantedFilters({ wanted }: ResultsBacklog): PageFilter[] {
  return wanted === 'all' ? [{}] : failedStatuses.map((runStatus) => ({ runStatus }));
}
