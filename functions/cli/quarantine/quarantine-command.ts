/** `dqsync quarantine`: shows rows of the source that could not be read and are therefore in no table. */
import { type Quarantine, readQuarantine } from '../../warehouse/quarantine.ts';
import { count, counted } from '../terminal/formats.ts';
import { openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeResult } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

interface QuarantineOptions extends TargetOptions {
  readonly limit: number;
  readonly vertical?: boolean;
}

interface TargetQuarantine extends Quarantine {
  readonly target: string;
}

/**
 * Shows the quarantine.
 *
 * @throws ConfigError, StorageError
 */
export async function quarantine(options: QuarantineOptions): Promise<number> {
  const { store, targets } = await openTargets(options);
  const found: TargetQuarantine[] = [];
  for (const { name } of targets) {
    found.push({ target: name, ...(await readQuarantine(store, name)) });
  }
  writeResult(
    options,
    found.map(({ target, rows, hasMore }) => {
      return { target, quarantined: rows.length, hasMore, rows: rows.slice(0, options.limit) };
    }),
    () => found.map((one) => describeQuarantine(one, options)).join('\n\n'),
  );
  return 0;
}

/** Returns the table of a target's rows, shortened to the terminal unless it is vertical. */
function describeQuarantine(
  { target, rows, hasMore }: TargetQuarantine,
  { limit, vertical }: QuarantineOptions,
): string {
  if (rows.length === 0) {
    return `${paint.bold(target)}  no rows in quarantine`;
  }
  const shown = rows.slice(0, limit).map(({ day, reason, row }) => [day, reason, row]);
  const all = `${hasMore ? 'more than ' : ''}${counted(rows.length, 'row')}`;
  const howMany =
    shown.length < rows.length ? `${count(shown.length)} of ${all} shown; all with --limit ${rows.length}` : all;
  return [
    `${paint.bold(target)}  ${howMany}. Not in the table: dqsync cannot read them as executions.`,
    renderTable(['day', 'reason', 'row'], shown, { isVertical: vertical }),
    ...(vertical
      ? []
      : [
          paint.dim('The whole text: --vertical or --json. If the API has changed, look for a newer version.'),
          paint.dim(
            'Once the rows can be read, put them into the table: dqsync verify --repair --from <day> --to <day>',
          ),
        ]),
  ].join('\n');
}
