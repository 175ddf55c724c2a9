/** Client and simulator compared with the reply that the documentation publishes. */
import { describe, expect, it } from 'vitest';
import { ask } from '../simulator/ask.ts';
import { frozenClock } from '../simulator/movable-clock.ts';
import { type PublishedSpelling, publishedExample } from '../simulator/published-example.ts';
import { startSimulator } from '../simulator/server.ts';
import { createdMsOf } from '../simulator/snowflake.ts';
import { newYearMs } from '../support/builders.ts';
import { aRequest, connect, startLoopback } from './loopback.ts';
import { page } from './page-texts.ts';

const spellings: readonly PublishedSpelling[] = ['notify_status', 'notity_status'];

const publishedRows = [
  {
    id: 1_012_386_207_306_600_400n,
    name: 'test-1',
    taskId: 1_012_385_458_115_825_700n,
    taskType: 'QUALITY_TASK',
    runStatus: 'SUCCESS',
    notifyStatus: 'NOT_TRIGGERED',
    startTimeMs: 1_661_413_281_000,
    endTimeMs: 1_661_413_381_000,
    extra: null,
  },
  {
    id: 1_012_386_190_504_218_600n,
    name: 'test-0',
    taskId: 1_012_386_182_149_165_000n,
    taskType: 'CONSISTENCY_TASK',
    runStatus: 'SUCCESS',
    notifyStatus: 'NOT_TRIGGERED',
    startTimeMs: 1_661_413_277_000,
    endTimeMs: 1_661_413_380_000,
    extra: null,
  },
];

describe('the published example', () => {
  it.each(spellings)('is parsed as exactly its two rows, newest first, spelled %s', (spelling) => {
    expect(page(publishedExample(spelling))).toEqual({
      receivedAtMs: newYearMs,
      count: 2,
      executions: publishedRows,
      unreadable: [],
    });
  });

  it.each(spellings)('is fetched over HTTP as exactly its two rows, spelled %s', async (spelling) => {
    const body = publishedExample(spelling);
    const server = await startLoopback(() => ({ headers: { 'content-type': 'application/json' }, body }));
    const page = await connect(server.url).fetchPage({ ...aRequest, startTimeMs: 1_661_413_200_000 });
    expect([page.count, page.executions, page.unreadable]).toEqual([2, publishedRows, []]);
  });

  it('has ids that contain a time of creation less than 50 ms after the whole second of the start', () => {
    expect(publishedRows.map(({ id, startTimeMs }) => createdMsOf(id) - startTimeMs)).toEqual([48, 42]);
  });

  it('is what the simulator serves for the same two executions', async () => {
    const simulator = await startSimulator({ clock: frozenClock(1_661_413_400_000) });
    for (const { taskId: _taskId, extra: _extra, ...row } of publishedRows.toReversed()) {
      simulator.life.addExecution(row);
    }
    const { text } = await ask(simulator, { limit: 100 });
    await simulator.close();
    const withoutTaskIds = (json: string): string =>
      json.replaceAll(/\s/g, '').replaceAll(/"task_id":\d+/g, '"task_id":0');
    expect(withoutTaskIds(text)).toBe(withoutTaskIds(publishedExample('notity_status')));
  });
});
