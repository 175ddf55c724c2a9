/** Runs `dqsync quarantine`, after syncs that quarantine unreadable rows. */
import { describe, expect, it } from 'vitest';
import { unreadableKinds } from '../../simulator/unreadable.ts';
import { addExecutions, aWhileAgo, aWorld, hourMs } from '../world.ts';

describe('dqsync quarantine', () => {
  it('shows every kind of unreadable row once, with its reason', async () => {
    const world = await aWorld();
    expect((await world.call(['quarantine'])).stdout).toBe('sales  no rows in quarantine\n');
    addExecutions(world, 20);
    const texts = unreadableKinds.map((kind) =>
      world.simulator.life.addUnreadable(kind, { startTimeMs: aWhileAgo(world, 30 * 60_000) }),
    );
    await world.call(['sync']);
    await world.call(['rewind', '--to', '2h', '--yes']);
    await world.call(['sync']);

    const run = await world.cli(['quarantine', '--json']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    const [found] = JSON.parse(run.stdout);
    expect(found).toMatchObject({ target: 'sales', quarantined: unreadableKinds.length, hasMore: false });
    const rows: { row: string; reason: string; day: string; file: string }[] = found.rows;
    expect(rows.map(({ row }) => row).sort()).toEqual(texts.sort());
    for (const { day, reason, file } of rows) {
      expect(file).toMatch(new RegExp(`^quarantine/sales/${day}/\\S+\\.jsonl$`));
      expect(reason).toMatch(/^(id|start_time|the row) /);
    }
  });

  it('fits the terminal, prints the number of rows, and shows the whole text with --vertical', async () => {
    const world = await aWorld();
    addExecutions(world, 20);
    const startTimeMs = aWhileAgo(world);
    const text = world.simulator.life.addUnreadable('id-text', { startTimeMs });
    world.simulator.life.addUnreadable('id-null', { startTimeMs });
    const synced = await world.call(['sync']);
    expect(synced).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('2 unreadable rows quarantined') });
    const run = await world.call(['quarantine', '--limit', '1']);
    expect(run.stdout).toMatch(
      /^sales {2}1 of 2 rows shown; all with --limit 2\. Not in the table: .*\nday +reason +row\n/,
    );
    expect((await world.call(['quarantine', '--vertical'])).stdout).toContain(`row     ${text}\n`);
  });

  it('prints the command that puts a row into the table once it can be read', async () => {
    const world = await aWorld();
    const { life } = world.simulator;
    const startTimeMs = aWhileAgo(world, 2 * hourMs);
    life.addUnreadable('id-text', { startTimeMs });
    life.addExecution({ startTimeMs });
    await world.call(['sync']);
    const { stdout } = await world.call(['quarantine']);
    const [command] = /verify --repair --from <day> --to <day>/.exec(stdout)!;
    life.addExecution({ startTimeMs });
    await world.call(['sync']);
    const span = [new Date(startTimeMs - hourMs), new Date(startTimeMs + hourMs)].map((time) => time.toISOString());
    const repair = command.split(' ').map((word) => (word === '<day>' ? span.shift()! : word));
    await world.call(repair);
    const { stdout: rows } = await world.call(['query', 'SELECT count(*) AS n FROM quality_instances', '--json']);
    expect(JSON.parse(rows)).toEqual([{ n: '2' }]);
  });
});
