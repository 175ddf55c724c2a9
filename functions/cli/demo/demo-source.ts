/**
 * The demo's source: the simulator of the tests, with a month of history and some scripted events. The only code of the
 * product that loads anything from test/, and only when the demo runs (test/imports.test.ts has the exception).
 */

import { defaultAccount } from '../../../test/simulator/accounts.ts';
import { frozenClock } from '../../../test/simulator/movable-clock.ts';
import { defaultWorkspace, startSimulator } from '../../../test/simulator/server.ts';
import type { EpochMs } from '../../model.ts';

/** A source whose time is controlled by the demo. */
export type DemoSource = Awaited<ReturnType<typeof startDemoSource>>;

const hourMs = 3_600_000;

/**
 * Starts the source. Its time advances only with `pass`, so that table and source can be compared.
 *
 * @param days of history before `nowMs`
 */
export async function startDemoSource(nowMs: EpochMs, days: number) {
  const clock = frozenClock(nowMs);
  const simulator = await startSimulator({ clock, history: { days, tasks: 48 }, traps: { latencyMs: 4, jitterMs: 4 } });
  const { id: rerunId } = simulator.life.addExecution({
    name: 'ads_sales_daily/amount >= 0',
    startTimeMs: nowMs - 2 * hourMs,
    runStatus: 'FAILED',
    notifyStatus: 'SUCCESS',
  });
  return {
    ...defaultWorkspace,
    url: simulator.url,
    /** The secret of its user. */
    secret: defaultAccount.password,
    /** The run that fails and is started again. */
    rerunId,
    /** Advances time to `untilMs`. Meanwhile the failed execution is run again, and passes. */
    pass: (untilMs: EpochMs) => {
      clock.advance((untilMs - clock.now()) / 2);
      simulator.life.rerun(rerunId);
      clock.advance(untilMs - clock.now());
      simulator.life.finish(rerunId, 'SUCCESS');
    },
    close: () => simulator.close(),
  };
}
