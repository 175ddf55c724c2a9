/** Whatever goes wrong between dqsync and S3: the run gets over it or says what to do, and the next one heals. */
import { describe, it } from 'vitest';
import { type Exchange, type ProxyFault, rawReply } from '../../support/fault-proxy.ts';
import { expectOutcome, type Failure, type FaultCase, nowAndThen, spoil } from './expectations.ts';
import type { FaultWorld } from './fault-world.ts';

const noAnswer: Failure = { kind: 'storage', remedy: /nothing (that was committed )?(is|was) lost/, retryable: true };

const slowDown = s3Error(503, 'SlowDown');

function s3Error(status: number, code: string): ProxyFault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { kind: 'answer', reply: rawReply(status, body, 'content-type: application/xml\r\n') };
}

/** Faults that pass, and the same where they don't. */
const passing: readonly [string, ProxyFault, Failure | 'recovers'][] = [
  ['connections reset before the reply', { kind: 'reset' }, noAnswer],
  ['connections ended before the reply', { kind: 'half-close' }, noAnswer],
  ['connections that say nothing', { kind: 'black-hole' }, noAnswer],
  ['replies lost after the write', { kind: 'lose-reply' }, noAnswer],
  ['503 SlowDown', slowDown, noAnswer],
  ['500 InternalError', s3Error(500, 'InternalError'), noAnswer],
  ['500 without a word', { kind: 'answer', reply: rawReply(500, '') }, noAnswer],
  ['409 conflicts', s3Error(409, 'ConditionalRequestConflict'), noAnswer],
];

/** Faults of reading alone. */
const reading: readonly [string, ProxyFault, Failure][] = [
  ['bodies that break off by a reset', { kind: 'break-body' }, noAnswer],
  ['bodies that end too early', { kind: 'end-body' }, noAnswer],
  ['bodies that stop in the middle', { kind: 'stall-body' }, noAnswer],
  ['corrupted bodies', { kind: 'corrupt-body' }, noAnswer],
];

const isPut = ({ method }: Exchange): boolean => method === 'PUT';
const isGet = ({ method }: Exchange): boolean => method === 'GET';

/** The second run has a checkpoint to read. */
async function expectOutcomeOfNext(row: FaultCase): Promise<void> {
  await expectOutcome({ ...row, warm: true });
}

describe('between dqsync and S3', () => {
  it.for(passing)('occasional %s are retried', async ([what, fault]) => {
    await expectOutcomeOfNext({
      what,
      arrange: (world) => {
        world.storage.decide = spoil(fault, nowAndThen);
      },
      outcome: 'recovers',
    });
  });

  it.for(passing)('permanent %s fail the run, and the next run repairs it', async ([what, fault, outcome]) => {
    await expectOutcomeOfNext({
      what,
      arrange: (world) => {
        world.storage.decide = spoil(fault);
      },
      outcome,
    });
  });

  it.for(passing)(
    '%s from the first write on fail the run, and the next run repairs it',
    async ([what, fault, outcome]) => {
      await expectOutcomeOfNext({
        what,
        arrange: (world) => {
          world.storage.decide = spoil(fault, () => true, isPut);
        },
        // What can be read back is known to be there.
        outcome: fault.kind === 'lose-reply' ? 'recovers' : outcome,
      });
    },
  );

  it.for(reading)('occasional %s are retried', async ([what, fault]) => {
    await expectOutcomeOfNext({
      what,
      arrange: (world) => {
        world.storage.decide = spoil(fault, (n) => n === 1, isGet);
      },
      outcome: 'recovers',
    });
  });

  it.for(reading)('permanent %s fail the run, and the next run repairs it', async ([what, fault, outcome]) => {
    await expectOutcomeOfNext({
      what,
      arrange: (world) => {
        world.storage.decide = spoil(fault, () => true, isGet);
      },
      outcome,
    });
  });

  const others: FaultCase[] = [
    {
      what: 'latency',
      arrange: (world) => {
        world.storage.decide = spoil({ kind: 'delay', ms: 60 });
      },
      outcome: 'recovers',
    },
    {
      what: 'bodies that trickle, and get there',
      arrange: (world) => {
        world.storage.decide = spoil({ kind: 'drip', bytes: 300, ms: 10 });
      },
      outcome: 'recovers',
    },
    {
      what: 'writes whose bytes change on their way, once',
      arrange: (world) => {
        world.storage.decide = spoil({ kind: 'corrupt-request' }, (n) => n === 1, isPut);
      },
      outcome: 'recovers',
    },
    {
      what: 'writes whose bytes change on their way, always',
      arrange: (world) => {
        world.storage.decide = spoil({ kind: 'corrupt-request' }, () => true, isPut);
      },
      outcome: noAnswer,
    },
    ...(['reset', 'garbage', 'silence'] as const).map((greeting) => ({
      what: `connections greeted by ${greeting}`,
      arrange: (world: FaultWorld) => {
        world.storage.greeting = greeting;
      },
      outcome: noAnswer,
    })),
    {
      what: 'a certificate that nobody trusts',
      arrange: (world) => {
        world.next.storageDoor = 'untrusted-tls';
      },
      outcome: { kind: 'storage', code: /SELF_SIGNED/, remedy: /AWS_ENDPOINT_URL|NODE_EXTRA_CA_CERTS/ },
    },
    {
      what: 'https to what speaks plain http',
      arrange: (world) => {
        world.next.storageDoor = 'tls-without-tls';
      },
      outcome: { kind: 'storage', remedy: /AWS_ENDPOINT_URL/ },
    },
    {
      what: 'a TLS handshake that is broken off',
      arrange: (world) => {
        world.next.storageDoor = 'tls-without-tls';
        world.storage.greeting = 'reset';
      },
      outcome: { kind: 'storage', remedy: /AWS_ENDPOINT_URL/ },
    },
    {
      what: 'a host that does not exist',
      arrange: (world) => {
        world.next.storageDoor = 'no-such-host';
      },
      outcome: {
        kind: 'storage',
        code: /ENOTFOUND|EAI_AGAIN/,
        remedy: /AWS_ENDPOINT_URL, and that this machine can reach no-such-host/,
      },
    },
    ...[
      ['AccessDenied', 403, /s3:PutObject/],
      ['InvalidAccessKeyId', 403, /valid AWS credentials/],
      ['ExpiredToken', 400, /AWS_SESSION_TOKEN/],
      ['RequestTimeTooSkewed', 403, /Set the clock/],
      ['NoSuchBucket', 404, /Check the bucket/],
      ['PermanentRedirect', 301, /AWS_REGION/],
    ].map(([code, status, remedy]) => ({
      what: String(code),
      arrange: (world: FaultWorld) => {
        world.storage.decide = spoil(s3Error(Number(status), String(code)));
      },
      outcome: { kind: 'storage', code: new RegExp(String(code)), remedy: remedy as RegExp, retryable: false },
    })),
  ];
  it.for(others)('$what: the outcome is correct, and the next run repairs it', async (row) => {
    await expectOutcomeOfNext(row);
  });
});
