/** The monthly cost: its limits, its agreement with the template, and its description in the README. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failingStore } from '../support/failing-store.ts';
import { hourMs, minuteMs, syncedSource } from '../support/synced-source.ts';
import { costTable, monthlyCost, totalOf, type Workload } from './cost-model.ts';
import { aConfig, aTarget, aTemplate, countOf } from './synthesized.ts';

const one: Workload = { targets: 1, rowsPerDay: 10_000 };
const total = (workload: Workload): number => totalOf(monthlyCost(workload));
const quantity = (workload: Workload, what: string): number =>
  monthlyCost(workload).find((line) => line.what === what)?.quantity ?? Number.NaN;

describe('the cost of a month', () => {
  it('is below 2 USD at 10,000 rows a day by the hour, and below 1 USD for each further target', () => {
    expect(total(one)).toBeLessThan(2);
    expect(total({ ...one, targets: 2 }) - total(one)).toBeLessThan(1);
    expect(totalOf(monthlyCost(one), 'usdAfterFree')).toBeLessThan(0.6);
  });

  it.each([1, 3])('counts the alarms, schedules and secrets of a template with %i targets', (targets) => {
    const names = Array.from({ length: targets }, (_, index) => `target-${index}`);
    const config = aConfig({ targets: names.map((name) => aTarget({ name, credentials: `secretsmanager:${name}` })) });
    const publishesReport = targets === 3;
    const template = aTemplate(config, { report: publishesReport });
    const workload = { ...one, targets, publishesReport };
    expect(quantity(workload, 'alarms')).toBe(countOf(template, 'AWS::CloudWatch::Alarm'));
    expect(quantity(workload, 'secrets')).toBe(countOf(template, 'AWS::SecretsManager::Secret'));
  });

  it('counts the requests of compaction only if days have more than 8 files', () => {
    const puts = (runsPerDay: number) => quantity({ ...one, runsPerDay }, 'S3, writes and listings');
    // With an hourly schedule, each of 24 files of two tables is tagged twice, and each table gets a new file.
    expect(puts(24) - 30 * 24 * 8).toBe(30 * (5 + 3 + 2 * (1 + 2 * 24)));
    expect(puts(8) - 30 * 8 * 8).toBe(30 * (5 + 3));
  });

  it.each([
    ['with failed executions', 0.05],
    ['without', 0],
  ])('counts the requests to S3 that a run makes, %s', async (_, failedShare) => {
    const world = await syncedSource();
    const store = failingStore(world.store, () => 'ok');
    const runningIds: bigint[] = [];
    const runHourly = async (): Promise<void> => {
      runningIds.splice(0).forEach((id) => {
        world.sim.life.finish(id);
      });
      for (let row = 0; row < 416; row += 1) {
        const runStatus = row < Math.round(417 * failedShare) ? 'ALARMING' : 'SUCCESS';
        world.sim.life.addExecution({ runStatus, startTimeMs: world.clock.now() - hourMs + row * 8_000 });
      }
      const running = { runStatus: 'RUNNING', endTimeMs: null, startTimeMs: world.clock.now() - minuteMs };
      runningIds.push(world.sim.life.addExecution(running).id);
      await world.syncWell({ store, results: 'spare' });
      world.clock.advance(hourMs);
    };
    // The first run tests conditional writes, and creates the documents.
    await runHourly();
    store.calls.length = 0;

    await runHourly();

    const [gets = [], puts = []] = [true, false].map((is) =>
      store.calls.filter(({ method }) => (method === 'get') === is),
    );
    // Eight runs a day, so that nothing is compacted, and without the daily maintenance.
    const workload = { ...one, rowsPerDay: 8 * 417, runsPerDay: 8, failedShare };
    expect(quantity(workload, 'S3, writes and listings') - 30 * (5 + 3)).toBe(30 * 8 * puts.length);
    expect(quantity(workload, 'S3, reads') - 30 * 6).toBe(30 * 8 * gets.length);
  });

  it('matches the README', () => {
    const readme = readFileSync(new URL('../../infra/README.md', import.meta.url), 'utf8');
    expect(readme).toContain(costTable());
    for (const more of [{ targets: 2 }, { publishesReport: true }]) {
      expect(readme).toContain(`adds **$${(total({ ...one, ...more }) - total(one)).toFixed(2)}**`);
    }
  });
});
