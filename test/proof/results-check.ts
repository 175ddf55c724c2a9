/** What the table of rule results shows against what the source holds, by code that shares nothing with the product. */
import type { ResultsWanted } from '../../functions/sync/results/backlog.ts';
import { resultsOf, type TrueResult, trueResults } from '../simulator/rule-results.ts';
import { defaultWorkspace, type Simulator } from '../simulator/server.ts';
import { makeTraps } from '../simulator/traps.ts';
import type { TrueExecution } from '../simulator/truth.ts';
import { hyparquetRows } from '../support/referee.ts';

/** One row of the table, as hyparquet reads it. */
type Row = Record<string, unknown>;

/** An execution that ran for longer, and whose results come late, may end without any (`finalAfterMs`). */
const longestRunMs = 7 * 86_400_000;

/** Statuses whose results are kept, by the key `results` of the config. */
const wantedStatuses: Readonly<Record<ResultsWanted, readonly string[]>> = {
  all: ['SUCCESS', 'FAILED', 'ALARMING'],
  failed: ['FAILED', 'ALARMING'],
  none: [],
};

/**
 * Returns how the results of executions that the source still lists differ from the source's, and whether one that it
 * no longer lists shows results that are not its own, as text.
 *
 * @param files of the table, of one workspace
 * @param isShown whether the table of executions shows one, by `<id>@<start time>`; only then its results have to be
 * there
 */
export async function resultProblems(
  files: Iterable<Uint8Array>,
  simulator: Simulator,
  wanted: ResultsWanted,
  isShown: (key: string) => boolean,
  workspace = defaultWorkspace.workspace,
): Promise<string[]> {
  const rows: Row[] = [];
  for (const bytes of files) {
    rows.push(...(await hyparquetRows(bytes)));
  }
  const shown = latestResults(rows);
  const { executions } = simulator.truth(workspace);
  const missing = executions.filter((one) => isWanted(one, wanted) && isShown(keyOf(one)) && !shown.has(keyOf(one)));
  const listed = executions.flatMap((one) => wrong(keyOf(one), shown, simulator.results(one.id, workspace), textOf));
  const { life } = simulator;
  const vanished = life
    .listingOf(workspace)
    .vanished.filter(({ rawText }) => rawText === null)
    .flatMap((entry) => {
      const own = resultsOf(entry, life.tasks(workspace).define(entry.task), makeTraps(), entry.goneAtMs);
      return wrong(`${entry.idText}@${entry.startTimeMs}`, shown, trueResults(own), textWithoutTable);
    });
  return [
    ...(missing.length === 0 ? [] : [`no results of ${missing.length}, such as ${missing.slice(0, 3).map(keyOf)}`]),
    ...summarize('results that differ', listed),
    ...summarize('results of another execution', vanished),
  ];
}

function isWanted({ runStatus, startTimeMs, endTimeMs }: TrueExecution, wanted: ResultsWanted): boolean {
  const hasEnded = endTimeMs !== null && endTimeMs - startTimeMs < longestRunMs;
  return hasEnded && wantedStatuses[wanted].includes(String(runStatus));
}

function keyOf({ id, startTimeMs }: TrueExecution): string {
  return `${id}@${startTimeMs}`;
}

/** One text for a result, exact. */
function textOf({ ruleId, ruleInstanceId, alarmed, objectName, abnormalTableStatus }: TrueResult): string {
  return [ruleId, ruleInstanceId, alarmed, objectName, abnormalTableStatus].join(' ');
}

/** The same where the table of abnormal rows may have been seen while it was being made. */
function textWithoutTable(result: TrueResult): string {
  return textOf({ ...result, abnormalTableStatus: '' });
}

function wrong(
  key: string,
  shown: ReadonlyMap<string, readonly TrueResult[]>,
  truth: readonly TrueResult[],
  text: (result: TrueResult) => string,
): string[] {
  const found = shown.get(key);
  const [is, shouldBe] = [found ?? truth, truth].map((results) => results.map(text).sort().join('; '));
  return is === shouldBe ? [] : [`${key}: ${is} instead of ${shouldBe}`];
}

function summarize(what: string, found: readonly string[]): string[] {
  return found.length === 0 ? [] : [`${what}: ${found.length}, such as ${found[0]}`];
}

/**
 * Of each execution the rows of its latest fetch that found some. If a row says that the instance started again, only
 * fetches before its time count. A row may be in two files, one of which a compaction has replaced.
 */
function latestResults(rows: readonly Row[]): Map<string, TrueResult[]> {
  const latest = new Map<string, TrueResult[]>();
  for (const [key, ofKey] of Map.groupBy(rows, (row) => `${row['instance_id']}@${timeOf(row['start_time'])}`)) {
    const rerunsMs = ofKey.filter((row) => noteOf(row) === 'rerun').map((row) => timeOf(row['observed_at']));
    const counted = ofKey.filter(
      (row) => noteOf(row) === null && rerunsMs.every((ms) => timeOf(row['observed_at']) < ms),
    );
    const fetches = Map.groupBy(counted, (row) => `${timeOf(row['observed_at'])} ${row['run_id']}`);
    const [last] = [...fetches].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, ofFetch]) => ofFetch);
    if (last !== undefined) {
      const results = last.map(resultOf);
      latest.set(key, [...new Map(results.map((result) => [textOf(result), result])).values()]);
    }
  }
  return latest;
}

function noteOf(row: Row): string | null {
  return /^\{"_dqsync":\{"no_results":"(\w+)"/.exec(String(row['extra'] ?? ''))?.[1] ?? null;
}

function resultOf(row: Row): TrueResult {
  return {
    ruleId: BigInt(String(row['rule_id'])),
    ruleInstanceId: BigInt(String(row['rule_instance_id'])),
    alarmed: typeof row['alarmed'] === 'boolean' ? row['alarmed'] : null,
    objectName: row['object_name'] === null ? null : String(row['object_name']),
    abnormalTableStatus: String(row['abnormal_table_status']),
  };
}

function timeOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : 0;
}
