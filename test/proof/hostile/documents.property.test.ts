/** Documents of others are accepted exactly or refused with a remedy, whatever they contain. */
import { isAbsolute, relative, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../functions/checkpoint/codec.ts';
import { parseConfig } from '../../../functions/config.ts';
import { DqsyncError } from '../../../functions/errors.ts';
import { parseEvent } from '../../../functions/lambda/event.ts';
import { parseCredentials, secretsOf } from '../../../functions/source/credentials.ts';
import { targetOf } from '../../../functions/sync/targets.ts';
import { checkpointKey, dataKey, quarantineKey } from '../../../functions/warehouse/layout.ts';
import { parseWarehouseUrl } from '../../../functions/warehouse/location.ts';
import { everythingIn } from '../../source/loopback.ts';
import { syncedSource } from '../../support/synced-source.ts';
import { damaged, hostileText, withOneValueReplaced } from './hostile-texts.ts';

const numRuns = 1_500;

/** Returns the result of `read`, or its error, which must be a DqsyncError with a remedy. */
function readOrRefusal<T>(kind: string, read: () => T): { readonly value?: T; readonly refusal?: DqsyncError } {
  try {
    return { value: read() };
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(DqsyncError);
    const refusal = thrown as DqsyncError;
    expect(refusal.kind).toBe(kind);
    expect(refusal.message).toMatch(/\S{3}/);
    expect(refusal.remedy).toMatch(/\S{3}.*[.}]$/s);
    return { refusal };
  }
}

describe('a secret', () => {
  const secrets = [
    { accessKeyId: 'AKplanted', secretAccessKey: 'planted-sk-5e1f', securityToken: 'planted-st-77aa' },
    { domainName: 'acme', userName: 'reader', password: 'planted-pw-91c3' },
    { token: 'planted-token-4d2b' },
  ];

  it('a secret that is damaged is accepted, or refused without quoting it', () => {
    const text = fc.constantFrom(...secrets).chain((secret) =>
      fc.oneof(
        damaged(new TextEncoder().encode(JSON.stringify(secret))).map((bytes) => new TextDecoder().decode(bytes)),
        withOneValueReplaced(secret).map((one) => JSON.stringify(one)),
        hostileText.map((more) => `planted-${more}`),
      ),
    );
    fc.assert(
      fc.property(text, (one) => {
        const { value, refusal } = readOrRefusal('credentials', () => parseCredentials(one, 'file:secret.json'));
        if (refusal !== undefined) {
          expect(everythingIn(refusal)).not.toMatch(/planted/);
        } else if (value !== undefined) {
          expect(secretsOf(value).every((secret) => secret.length > 0)).toBe(true);
          const { form: _form, ...fields } = value;
          expect(JSON.parse(one)).toEqual(fields);
        }
      }),
      { numRuns },
    );
  });
});

describe('a config', () => {
  const config = {
    warehouse: 's3://bucket/prefix',
    source: {
      endpoint: 'https://dayu.example.com',
      iamEndpoint: 'https://iam.example.com',
      quota: { requests: 40, perSeconds: 10 },
    },
    targets: [
      { name: 'sales', projectId: 'p1', workspace: 'w1', credentials: 'env:X', filter: { name: 'orders' } },
      { name: 'stock', projectId: 'p1', workspace: 'w2', credentials: 'file:x' },
    ],
    initialFrom: '2026-01-01T00:00:00Z',
    settleSeconds: 60,
    lookbackMinutes: 15,
    maxOpenDays: 7,
    partitionTimeZone: 'UTC',
    maxRunSeconds: 840,
  };
  const inside = (key: string): boolean => {
    const path = relative('/warehouse', resolve('/warehouse', key));
    return path !== '' && !path.startsWith('..') && !isAbsolute(path) && path === key;
  };

  it('a config with a hostile value is refused, or all of its keys stay inside the warehouse', () => {
    fc.assert(
      fc.property(withOneValueReplaced(config), (value) => {
        const { value: accepted } = readOrRefusal('config', () => parseConfig(value, 'dqsync.json'));
        if (accepted === undefined) {
          return;
        }
        parseWarehouseUrl(accepted.warehouse);
        for (const target of accepted.targets.map(targetOf)) {
          const runId = '20260101T000000Z-00000000';
          expect(inside(checkpointKey(target.name))).toBe(true);
          expect(inside(quarantineKey(target.name, '2026-01-01', runId))).toBe(true);
          expect(inside(dataKey({ workspace: target.workspace, dt: '2026-01-01', runId, part: 0 }))).toBe(true);
        }
      }),
      { numRuns: 4_000 },
    );
  });
});

describe('an event', () => {
  const events = [
    { mode: 'incremental', targets: ['sales'] },
    { mode: 'backfill', from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', targets: ['sales'] },
    { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
  ];

  it('an event of any content is accepted or refused', () => {
    const event = fc.oneof(
      fc.jsonValue(),
      hostileText,
      fc.constantFrom(...events).chain((one) => withOneValueReplaced(one)),
    );
    fc.assert(
      fc.property(event, (one) => {
        expect(readOrRefusal('config', () => parseEvent(one))).toBeDefined();
      }),
      { numRuns },
    );
  });
});

describe('a checkpoint', () => {
  it('a checkpoint that is damaged is refused, or read as the same document', async () => {
    const world = await syncedSource({ history: { days: 1, tasks: 3 } });
    world.sim.life.addExecution({ runStatus: 'RUNNING', startTimeMs: world.clock.now() - 60_000 });
    await world.syncWell();
    const key = checkpointKey('sales');
    const bytes = (await world.store.get(key))!.bytes;
    const text = new TextDecoder().decode(bytes);
    const { identity } = JSON.parse(text);
    const document = fc.oneof(
      damaged(bytes),
      withOneValueReplaced(JSON.parse(text)).map((one) => new TextEncoder().encode(JSON.stringify(one))),
    );
    fc.assert(
      fc.property(document, (one) => {
        const read = () => decodeCheckpoint(one, identity, 'sales', key);
        const { value } = readOrRefusal('state', read);
        expect([undefined, decodeCheckpoint(bytes, identity, 'sales', key)]).toContainEqual(value);
      }),
      { numRuns },
    );
  });

  it.each([
    ['nested 200,000 deep', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['nested in a field', `{"format":"dqsync.checkpoint","version":1,"open":${'['.repeat(9e4)}${']'.repeat(9e4)}}`],
    ['empty', ''],
    ['a NUL', '\0'],
  ])('a checkpoint that is %s is refused', (_what, text) => {
    const identity = { projectId: 'p', workspace: 'w', filter: {}, partitionTimeZone: 'UTC' };
    const read = () => decodeCheckpoint(new TextEncoder().encode(text), identity, 'sales', 'state/sales');
    expect(readOrRefusal('state', read).refusal).toBeDefined();
  });
});
