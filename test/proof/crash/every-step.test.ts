import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { crashAtEveryStep } from './crash-rounds.ts';
import { backfillCommands, syncCommands } from './crash-world.ts';

const changesOfFiles = [
  /^link quality_instance_.*\.parquet$/,
  /^half of write \.tmp/,
  /^rename state\/sales\/checkpoint\.json$/,
];
const changesOfObjects = [/^put table\/quality_instance_.*\.parquet$/, /^put table\/state\/sales\/checkpoint\.json$/];

it.each([
  ['sync', 'file', syncCommands, changesOfFiles],
  ['sync', 's3', syncCommands, changesOfObjects],
  ['backfill', 's3', backfillCommands, changesOfObjects],
] as const)(
  'a %s killed after any change of a warehouse of kind %s loses no row',
  async (_, store, commands, changes) => {
    const figures = await crashAtEveryStep({ store, commands, call: callCli });
    expect(figures).toMatchObject({ failures: [] });
    for (const change of changes) {
      expect(figures.changes).toContainEqual(expect.stringMatching(change));
    }
  },
);
