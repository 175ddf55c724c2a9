import { beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import type { FaultKind, When } from './faults.ts';
import { frozenClock, type MovableClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';
import { sampleExtraFields } from './traps.ts';

const nowMs = 1_790_000_000_000;
let clock: MovableClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = frozenClock(nowMs);
  simulator = await startSimulator({ clock });
  return () => simulator.close();
});

/** Adds executions with ids 1 to n, one second apart, the last of them one second ago. */
function addNumbered(n: number): void {
  for (let id = 1; id <= n; id += 1) {
    simulator.life.addExecution({ id: BigInt(id), startTimeMs: nowMs - (n + 1 - id) * 1_000 });
  }
}

describe('the instance list', () => {
  it('takes offsets in pages with the trap', async () => {
    addNumbered(9);
    simulator.traps.offsetUnit = 'page';
    expect((await ask(simulator, { limit: 4, offset: 1 })).ids).toEqual(['5', '4', '3', '2']);
  });

  it('caps a page below the requested limit', async () => {
    addNumbered(9);
    simulator.traps.pageCap = 3;
    const byRow = await ask(simulator, { limit: 5, offset: 5 });
    simulator.traps.offsetUnit = 'page';
    const byPage = await ask(simulator, { limit: 5, offset: 1 });
    expect([byRow.ids, byPage.ids]).toEqual([
      ['4', '3', '2'],
      ['6', '5', '4'],
    ]);
  });

  it('counts all rows, those of the page, up to a cap, up to one page, or not at all', async () => {
    addNumbered(9);
    const counts = [];
    for (const count of ['total', 'page', { cappedAt: 7 }, { cappedAt: 4 }, 'missing'] as const) {
      simulator.traps.count = count;
      counts.push((await ask(simulator, { limit: 4 })).count);
    }
    expect(counts).toEqual([9, 4, 7, 4, undefined]);
  });

  it('ends a list, and its count, at a cap', async () => {
    addNumbered(9);
    simulator.traps.listCap = 5;
    const answers = [await ask(simulator, { limit: 4 }), await ask(simulator, { limit: 4, offset: 4 })];
    answers.push(await ask(simulator, { limit: 4, offset: 8 }));
    expect(answers.map(({ ids, count }) => [ids, count])).toEqual([
      [['9', '8', '7', '6'], 5],
      [['5'], 5],
      [[], 5],
    ]);
  });

  it('refuses deep offsets', async () => {
    addNumbered(9);
    simulator.traps.deepestOffset = 5;
    const reached = await ask(simulator, { offset: 5 });
    const beyond = await ask(simulator, { offset: 6 });
    expect([reached.status, beyond.status, beyond.code]).toEqual([200, 400, 'DQC.1003']);
  });

  it('refuses only windows that are longer than the limit', async () => {
    addNumbered(2);
    simulator.traps.maxSpanDays = 30;
    const longestMs = 30 * 86_400_000;
    const allowed = await ask(simulator, { start_time: nowMs - longestMs, end_time: nowMs });
    const refused = await ask(simulator, { start_time: nowMs - longestMs - 1, end_time: nowMs });
    const unlimited = await ask(simulator, { end_time: nowMs });
    expect([allowed.count, unlimited.count, refused.status]).toEqual([2, 2, 400]);
    expect(JSON.parse(refused.text)).toEqual({
      error_code: 'DQC.0001',
      error_msg: 'The time range between start_time and end_time cannot exceed 30 days.',
    });
  });

  it.each([
    [500, ['3', '2']],
    [1_000, ['3', '2', '1']],
    [-1_000, ['5', '4', '3']],
    [0, ['4', '3', '2']],
  ])('compares the window with the shown start time plus %i ms', async (filterSkewMs, ids) => {
    addNumbered(5);
    simulator.traps.filterSkewMs = filterSkewMs;
    const answer = await ask(simulator, { start_time: nowMs - 4_000, end_time: nowMs - 2_000 });
    expect([answer.ids, answer.count]).toEqual([ids, ids.length]);
    expect(answer.starts[0]).toBe(nowMs - (6 - Number(ids[0])) * 1_000);
  });

  it.each([
    ['inclusive', 'inclusive', ['2', '3', '4']],
    ['inclusive', 'exclusive', ['2', '3']],
    ['exclusive', 'inclusive', ['3', '4']],
    ['exclusive', 'exclusive', ['3']],
  ] as const)('takes the edges of a window as %s, %s', async (startEdge, endEdge, ids) => {
    addNumbered(5);
    Object.assign(simulator.traps, { startEdge, endEdge });
    const window = { start_time: nowMs - 4_000, end_time: nowMs - 2_000 };
    const downwards = await ask(simulator, window);
    simulator.traps.order = 'start-asc';
    const upwards = await ask(simulator, window);
    expect(upwards.ids).toEqual(ids);
    expect(downwards.ids).toEqual([...ids].reverse());
    expect(upwards.count).toBe(ids.length);
  });
});

describe('the order of rows', () => {
  it.each([
    ['start-desc', ['9', '30', '20', '10', '8']],
    ['start-asc', ['8', '10', '20', '30', '9']],
    ['id-desc', ['30', '20', '10', '9', '8']],
    ['id-asc', ['8', '9', '10', '20', '30']],
  ] as const)('is %s, with equal start times by id in the same direction', async (order, ids) => {
    simulator.life.addExecution({ id: 9n, startTimeMs: nowMs - 1_000 });
    for (const id of [20n, 10n, 30n]) {
      simulator.life.addExecution({ id, startTimeMs: nowMs - 2_000 });
    }
    simulator.life.addExecution({ id: 8n, startTimeMs: nowMs - 3_000 });
    simulator.traps.order = order;
    expect((await ask(simulator)).ids).toEqual(ids);
    expect((await ask(simulator, { task_type: 'QUALITY_TASK' })).ids).toEqual(ids);
  });

  it('the order by id differs from the order by time if instances are created far from their start', async () => {
    simulator.life.addMany(50, { fromMs: nowMs - 50_000, toMs: nowMs, creationSpreadMs: 5_000 });
    const byTime = (await ask(simulator, { limit: 100 })).ids;
    simulator.traps.order = 'id-desc';
    const byId = (await ask(simulator, { limit: 100 })).ids;
    expect(byId).toEqual([...byTime].sort().reverse());
    expect(byId).not.toEqual(byTime);
  });

  it('is shuffled for each request only within equal start times if ties are unstable', async () => {
    simulator.life.addMany(90, { fromMs: nowMs - 3_000, toMs: nowMs, perSecond: 30 });
    simulator.traps.order = 'unstable-ties';
    const first = await ask(simulator, { limit: 100 });
    const second = await ask(simulator, { limit: 100 });
    expect(first.ids).not.toEqual(second.ids);
    expect([...first.ids].sort()).toEqual([...second.ids].sort());
    expect(first.starts).toEqual([...first.starts].sort((a, b) => b - a));
    expect(new Set(first.starts).size).toBe(3);
  });

  it('is random for all rows if it is unstable', async () => {
    simulator.life.addMany(90, { fromMs: nowMs - 90_000, toMs: nowMs });
    simulator.traps.order = 'unstable';
    const { starts } = await ask(simulator, { limit: 100 });
    expect(starts).not.toEqual([...starts].sort());
    expect(starts).not.toEqual([...starts].sort().reverse());
    expect(new Set(starts).size).toBe(90);
  });
});

describe('rows', () => {
  it('spell the notification field as notity_status, notify_status or both', async () => {
    addNumbered(1);
    const spellings = [];
    for (const spelling of ['notity', 'notify', 'both'] as const) {
      simulator.traps.notifySpelling = spelling;
      spellings.push((await ask(simulator)).text.match(/"noti[tf]y_status":"NOT_TRIGGERED"/g)?.length);
      spellings.push((await ask(simulator)).text.includes('notify_status'));
    }
    expect(spellings).toEqual([1, false, 1, true, 2, true]);
  });

  it('carry undocumented fields', async () => {
    addNumbered(1);
    simulator.traps.extraFields = sampleExtraFields;
    const { text } = await ask(simulator);
    expect(text).toContain('"batch_no":12345678901234567890,');
    expect(JSON.parse(text).resources[0].detail).toEqual({ rows: [1, 2.5, null], note: '"quoted" 𠮷' });
  });
});

describe('a broken span', () => {
  it('fails every page with a row that starts in it, and no other', async () => {
    addNumbered(9);
    simulator.traps.brokenSpan = { fromMs: nowMs - 5_000, toMs: nowMs - 4_000 };
    const statuses = [];
    for (const offset of [0, 3, 6]) {
      statuses.push((await ask(simulator, { limit: 3, offset })).status);
    }
    expect(statuses).toEqual([200, 500, 200]);
  });
});

describe('a list that changes between pages', () => {
  it('re-runs and deletes a row after every nth page', async () => {
    addNumbered(20);
    Object.assign(simulator.traps, { rerunEveryNthRequest: 2, deleteEveryNthRequest: 3 });
    const window = { start_time: nowMs - 30_000, end_time: nowMs - 1 };
    const counts = [];
    for (let n = 0; n < 5; n += 1) {
      counts.push((await ask(simulator, window)).count);
    }
    expect(counts).toEqual([20, 20, 19, 18, 17]);
    expect(simulator.truth().vanished.map(({ because }) => because)).toEqual(['rerun', 'removed', 'rerun']);
  });
});

describe('a fault', () => {
  /** Returns what a request for four rows shows of nine. */
  async function shown(): Promise<string> {
    const answer = await ask(simulator, { limit: 4 }).catch(() => null);
    if (answer === null) {
      return 'no complete reply';
    }
    const isJson = answer.text.endsWith('}');
    return `${answer.status}: ${isJson ? `${answer.ids} of ${answer.count}` : 'not JSON'}`;
  }

  it.each<[FaultKind, string]>([
    [{ kind: 'status', status: 503 }, '503:  of undefined'],
    [{ kind: 'wrong-shape' }, '200:  of 0'],
    [{ kind: 'bad-json' }, '200: not JSON'],
    [{ kind: 'reset' }, 'no complete reply'],
    [{ kind: 'truncate' }, 'no complete reply'],
    [{ kind: 'empty-page' }, '200:  of 9'],
    [{ kind: 'empty-page', count: 0 }, '200:  of 0'],
    [{ kind: 'short-page', rows: 2 }, '200: 9,8 of 9'],
    [{ kind: 'repeated-row' }, '200: 9,8,7,9 of 9'],
  ])('%j spoils only the reply to the chosen request', async (fault, spoiled) => {
    addNumbered(9);
    simulator.traps.faults = [{ ...fault, when: { nth: 2 } }];
    const usual = '200: 9,8,7,6 of 9';
    expect([await shown(), await shown(), await shown()]).toEqual([usual, spoiled, usual]);
  });

  it.each<[When, number[]]>([
    [{ first: 2 }, [1, 2]],
    [{ every: 2 }, [2, 4, 6]],
    [{ from: 5 }, [5, 6]],
  ])('a fault with the condition %j applies to requests %j', async (when, expected) => {
    simulator.traps.faults = [{ kind: 'status', status: 503, when }];
    const statuses = [];
    for (let n = 1; n <= 6; n += 1) {
      statuses.push((await ask(simulator)).status);
    }
    expect(statuses.flatMap((status, index) => (status === 503 ? [index + 1] : []))).toEqual(expected);
  });

  it('leaves rows unserved if their reply does not arrive completely', async () => {
    addNumbered(9);
    simulator.traps.faults = [{ kind: 'bad-json', when: { nth: 1 } }];
    const served = [];
    for (let n = 0; n < 2; n += 1) {
      await ask(simulator);
      served.push(simulator.truth().executions.filter((execution) => execution.served).length);
    }
    expect(served).toEqual([0, 9]);
  });
});
