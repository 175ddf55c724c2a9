/** Faults between dqsync and S3. A run recovers from the fault or fails with a remedy, and the next run repairs. */
import { describe, it } from 'vitest';
import { answer, type Exchange, type ProxyFault, s3Error } from '../../support/fault-proxy.ts';
import { expectOutcome, type Failure, type FaultCase, nowAndThen, spoil } from './expectations.ts';

const noAnswer: Failure = { kind: 'storage', remedy: /nothing (that was committed )?(is|was) lost/, retryable: true };

const slowDown = s3Error(503, 'SlowDown');

/** Faults that are retried if they are occasional, and the outcome of a run if they are permanent. */
const retried: readonly [string, ProxyFault, Failure | 'recovers'][] = [
  ['connections reset before the reply', { kind: 'reset' }, noAnswer],
  ['connections ended before the reply', { kind: 'half-close' }, noAnswer],
  ['silent connections', { kind: 'black-hole' }, noAnswer],
  ['replies lost after the write', { kind: 'lose-reply' }, noAnswer],
  ['503 SlowDown', slowDown, noAnswer],
  ['500 InternalError', s3Error(500, 'InternalError'), noAnswer],
  ['500 without a body', answer(500, ''), noAnswer],
  ['409 conflicts', s3Error(409, 'ConditionalRequestConflict'), noAnswer],
];

/** Faults that affect only reads. */
const reading: readonly [string, ProxyFault, Failure][] = [
  ['bodies that break off by a reset', { kind: 'break-body' }, noAnswer],
  ['bodies that end too early', { kind: 'end-body' }, noAnswer],
  ['bodies that stop in the middle', { kind: 'stall-body' }, noAnswer],
  ['corrupted bodies', { kind: 'corrupt-body' }, noAnswer],
];

const isPut = ({ method }: Exchange): boolean => method === 'PUT';
const isGet = ({ method }: Exchange): boolean => method === 'GET';

describe('between dqsync and S3', () => {
  it.for(retried)('occasional %s are retried', async ([what, fault]) => {
    await expectOutcome('storage', {
      what,
      decide: spoil(fault, nowAndThen),
      outcome: 'recovers',
    });
  });

  it.for(retried)('permanent %s fail the run, and the next run repairs it', async ([what, fault, outcome]) => {
    await expectOutcome('storage', {
      what,
      decide: spoil(fault),
      outcome,
    });
  });

  it.for(retried)(
    '%s from the first write on fail the run, and the next run repairs it',
    async ([what, fault, outcome]) => {
      await expectOutcome('storage', {
        what,
        decide: spoil(fault, () => true, isPut),
        // The store reads an object back when the reply to its write is lost.
        outcome: fault.kind === 'lose-reply' ? 'recovers' : outcome,
      });
    },
  );

  it.for(reading)('occasional %s are retried', async ([what, fault]) => {
    await expectOutcome('storage', {
      what,
      decide: spoil(fault, (n) => n === 1, isGet),
      outcome: 'recovers',
    });
  });

  it.for(reading)('permanent %s fail the run, and the next run repairs it', async ([what, fault, outcome]) => {
    await expectOutcome('storage', {
      what,
      decide: spoil(fault, () => true, isGet),
      outcome,
    });
  });

  const others: FaultCase[] = [
    {
      what: 'latency',
      decide: spoil({ kind: 'delay', ms: 60 }),
      outcome: 'recovers',
    },
    {
      what: 'slow bodies that arrive in time',
      decide: spoil({ kind: 'drip', bytes: 300, ms: 10 }),
      outcome: 'recovers',
    },
    {
      what: 'one write whose bytes change on their way',
      decide: spoil({ kind: 'corrupt-request' }, (n) => n === 1, isPut),
      outcome: 'recovers',
    },
    {
      what: 'writes whose bytes all change on their way',
      decide: spoil({ kind: 'corrupt-request' }, () => true, isPut),
      outcome: noAnswer,
    },
    ...(['reset', 'garbage', 'silence'] as const).map((greeting) => ({
      what: `connections greeted by ${greeting}`,
      greeting,
      outcome: noAnswer,
    })),
    {
      what: 'an untrusted certificate',
      next: { storageDoor: 'untrusted-tls' },
      outcome: { kind: 'storage', code: /SELF_SIGNED/, remedy: /AWS_ENDPOINT_URL|NODE_EXTRA_CA_CERTS/ },
    },
    {
      what: 'https to a server that speaks plain http',
      next: { storageDoor: 'tls-without-tls' },
      outcome: { kind: 'storage', remedy: /AWS_ENDPOINT_URL/ },
    },
    {
      what: 'a TLS handshake that is broken off',
      next: { storageDoor: 'tls-without-tls' },
      greeting: 'reset',
      outcome: { kind: 'storage', remedy: /AWS_ENDPOINT_URL/ },
    },
    {
      what: 'a host that does not exist',
      next: { storageDoor: 'no-such-host' },
      outcome: {
        kind: 'storage',
        code: /ENOTFOUND|EAI_AGAIN/,
        remedy: /AWS_ENDPOINT_URL, and that this machine can reach no-such-host/,
      },
    },
    {
      what: 'AccessDenied',
      decide: spoil(s3Error(403, 'AccessDenied')),
      outcome: { kind: 'storage', code: /AccessDenied/, remedy: /s3:PutObject/, retryable: false },
    },
  ];
  it.for(others)('$what: the outcome is correct, and the next run repairs it', async (row) => {
    await expectOutcome('storage', row);
  });
});
