/** `dqsync changes`: which tasks began to fail, or to pass, since some time. */
import { isoTime } from '../../clock.ts';
import type { Config } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { openWarehouseSql } from '../../query/duckdb.ts';
import { type Change, changesFromMs, readChanges } from '../../report/read-changes.ts';
import { readTargetFacts } from '../../report/target-facts.ts';
import { readDefinitions } from '../../report/task-definitions.ts';
import { parseTimeArgument } from '../../time-range.ts';
import { cacheFolderOf } from '../terminal/cache-folder.ts';
import { counted, shownAt } from '../terminal/formats.ts';
import { openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { noneOfDaysHint, writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

interface ChangesOptions extends TargetOptions {
  readonly since: string;
}

/** Rows of the table; `--json` gives all. */
const maxRows = 100;

/**
 * Prints the changes, the newest first.
 *
 * @throws ConfigError, StorageError
 */
export async function changes(options: ChangesOptions): Promise<number> {
  const { config, targets, store, clock } = await openTargets(options);
  const nowMs = clock.now();
  const timeZone = config.partitionTimeZone;
  const sinceMs = parseTimeArgument(options.since, '--since', timeZone, nowMs);
  if (sinceMs > nowMs) {
    throw new ConfigError(`--since ${JSON.stringify(options.since)} is in the future`, {
      remedy: 'Give an earlier time, for example 1d.',
    });
  }
  const sql = await openWarehouseSql(store, cacheFolderOf(store.url, process.env));
  try {
    const definitions = await readDefinitions(store, targets);
    const facts = await readTargetFacts(config, store, targets, changesFromMs(sinceMs));
    const found = await readChanges(sql, { sinceMs, nowMs, timeZone, targets: facts, definitions });
    if (options.json) {
      writeJson((found ?? []).map((change) => documentOf(config, change)));
    } else if (found === null) {
      writeLine(noneOfDaysHint);
    } else {
      writeTable(found, sinceMs);
    }
  } finally {
    await sql.close();
  }
  return 0;
}

/** Names and meanings are a contract. */
function documentOf({ targets }: Config, change: Change): Readonly<Record<string, unknown>> {
  const { projectId, sinceMs, ...named } = change;
  const target = targets.find((each) => each.workspace === change.workspace && each.projectId === projectId);
  return { target: target?.name ?? null, ...named, since: isoTime(sinceMs) };
}

function writeTable(found: readonly Change[], sinceMs: number): void {
  if (found.length === 0) {
    writeLine(`No task's outcome has changed since ${shownAt(sinceMs)}.`);
    return;
  }
  // A number is never shortened: "dqsync explain" needs the whole id.
  const rows = found
    .slice(0, maxRows)
    .map(({ sinceMs: ms, name, from, to, inARow, executionId }) => [
      { ms },
      name,
      from,
      to,
      inARow,
      BigInt(executionId),
    ]);
  writeLine(renderTable(['since', 'task', 'from', 'to', 'in_a_row', 'execution'], rows));
  writeNote(
    found.length > maxRows
      ? `The newest ${maxRows} of ${counted(found.length, 'change')}: --json gives all.`
      : `(${counted(found.length, 'change')})`,
  );
}
