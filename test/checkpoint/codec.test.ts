/** Encodes and decodes checkpoints. */
import { expect, it } from 'vitest';
import { emptyCheckpoint } from '../../functions/checkpoint/checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../functions/checkpoint/codec.ts';
import type { Execution } from '../../functions/model.ts';
import { anExecution, newYearMs } from '../support/builders.ts';

const identity = { projectId: 'p', workspace: 'w', filter: { name: 'orders' }, partitionTimeZone: 'UTC' };

function reread(execution: Execution): Execution | undefined {
  const entry = { execution, observedAtMs: newYearMs, lookedAtMs: newYearMs, awaits: 'outcome' } as const;
  const bytes = encodeCheckpoint({ ...emptyCheckpoint(identity), open: [entry] });
  return decodeCheckpoint(bytes, identity, 'sales', 'checkpoint.json').open[0]?.execution;
}

it('reads a column that an older document lacks as null', () => {
  const { notifyStatus: _, ...older } = anExecution();
  const execution: Execution = JSON.parse(JSON.stringify({ ...older, id: String(older.id), taskId: null }));
  expect(reread(execution)).toEqual({ ...older, taskId: null, notifyStatus: null });
});

it('takes the starts of tasks as unknown up to the end of coverage in a document from before they were recorded', () => {
  const older =
    '{"format":"dqsync.checkpoint","version":4,"identity":{"projectId":"p","workspace":"w","filter":{"name":"orders"},"partitionTimeZone":"UTC"},"lastRun":null,"incremental":null,"rereading":null,"lookbackMs":null,"maxSpanMs":null,"coverage":[{"fromMs":1000,"toMs":2000,"rows":3}],"open":[],"quarantined":[],"commitIds":[],"digest":"1n60zyp1xduqq0","recent":[]}';
  const decode = (bytes: Uint8Array) => decodeCheckpoint(bytes, identity, 'sales', 'checkpoint.json');
  const decoded = decode(new TextEncoder().encode(older));
  expect(decoded).toMatchObject({ newestStarts: [], newestStartsFromMs: 2_000 });
  expect(decode(encodeCheckpoint(decoded))).toEqual(decoded);
});

it('refuses an open execution without its key', () => {
  const { startTimeMs: _, ...older } = anExecution();
  const execution: Execution = JSON.parse(JSON.stringify({ ...older, id: String(older.id), taskId: null }));
  expect(() => reread(execution)).toThrow(/damaged \(open.0.execution.startTimeMs/);
});
