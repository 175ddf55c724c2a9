/** Lists executions whose rule results are to be fetched, by asking the source for them again. */
import type { ResultsWindow, WrittenExecution } from '../../checkpoint/results-document.ts';
import { type ListedWindow, partToList } from '../../checkpoint/results-windows.ts';
import { isoTime } from '../../clock.ts';
import { contains, gapsIn, unionOf } from '../../intervals.ts';
import type { PageFilter, Window } from '../../model.ts';
import type { PageSource } from '../../reading/page-source.ts';
import { readWhole } from '../target-reader.ts';
import type { TargetRun } from '../target-run.ts';
import { failedStatuses, type ResultsBacklog } from './backlog.ts';

/**
 * Lists the newest part of a window. What a source with many wrong replies leaves unread is to be listed later.
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
  const found: WrittenExecution[] = [];
  const unread: Window[] = [];
  for (const filter of wantedFilters(backlog)) {
    const ofStatus = { ...source, filter: { ...source.filter, ...filter } };
    const { collected, proven, unproven } = await readWhole(run, ofStatus, part);
    for (const { message, window: missing } of unproven) {
      // Not listed again: a second that the source never shows completely would keep all older ones waiting.
      const fields = { target: run.target.name, from: isoTime(missing.fromMs), to: isoTime(missing.toMs) };
      const remedy = 'Request them with "dqsync backfill --from <time> --to <time> --again --results".';
      run.log('warn', `rule results of some executions may be missing: ${message}. ${remedy}`, fields);
    }
    unread.push(...gapsIn(part, unionOf([...proven, ...unproven.map((error) => error.window)])));
    const shown = [...collected.seen.values()].filter(({ execution }) => contains(part, execution.startTimeMs));
    found.push(...shown.map(({ execution }) => backlog.asWritten(execution)));
  }
  return { window, part, unread: unionOf(unread), found };
}

/** Returns the filters that together show all executions whose results are wanted. */
export function wantedFilters({ wanted }: ResultsBacklog): PageFilter[] {
  return wanted === 'all' ? [{}] : failedStatuses.map((runStatus) => ({ runStatus }));
}
