/**
 * Faults between dqsync and the source. A run recovers from the fault or fails with a remedy, and the next run repairs.
 */
import { describe, it } from 'vitest';
import { defaultAccount } from '../../simulator/accounts.ts';
import { answer, type ProxyFault } from '../../support/fault-proxy.ts';
import { expectOutcome, type Failure, type FaultCase, nowAndThen, spoil } from './expectations.ts';

const unreachable: Failure = {
  kind: 'source',
  message: /did not return/,
  remedy: /source\.(iamE|e)ndpoint|run again later/,
};
const runLater: Failure = { kind: 'source', remedy: /run again/i, retryable: true };
const webPage: Failure = {
  kind: 'source',
  message: /web page/,
  remedy: /proxy or (web filter|login page)/,
  retryable: true,
};

/** Faults that are retried if they are occasional, and the failure of a run if they are permanent. */
const retried: readonly [string, ProxyFault, Failure][] = [
  ['connections reset before the reply', { kind: 'reset' }, { ...runLater, code: /ECONNRESET|UND_ERR_SOCKET/ }],
  ['connections ended before the reply', { kind: 'half-close' }, { ...runLater, code: /UND_ERR_SOCKET/ }],
  ['connections reset after the request was served', { kind: 'lose-reply' }, runLater],
  ['silent connections', { kind: 'black-hole' }, { ...runLater, code: /TIMEOUT/ }],
  ['bodies that break off by a reset', { kind: 'break-body' }, runLater],
  ['bodies that end too early', { kind: 'end-body' }, runLater],
  ['bodies that stop in the middle', { kind: 'stall-body' }, { ...runLater, code: /TIMEOUT/ }],
  ['bodies that trickle', { kind: 'drip', bytes: 20, ms: 40 }, { ...runLater, code: /TIMEOUT/ }],
  ['corrupted bodies', { kind: 'corrupt-body' }, { ...runLater, message: /garbled/ }],
  ['HTTP 500', answer(500, '{"error_code":"DQC.5000","error_msg":"try later"}'), { ...runLater, code: /DQC\.5000/ }],
  ['HTTP 502 of a proxy', answer(502, '<html>bad gateway</html>'), webPage],
  [
    'HTTP 503 with Retry-After',
    answer(503, '{"error_code":"APIG.0201","error_msg":"backend"}', 'retry-after: 3\r\n'),
    runLater,
  ],
  ['HTTP 408', answer(408, ''), runLater],
  [
    'HTTP 429',
    answer(429, '{"error_code":"APIG.0308","error_msg":"throttled"}'),
    { kind: 'source', code: /APIG\.0308/, remedy: /source\.quota\.requests/, retryable: true },
  ],
  ['a login page with HTTP 200', answer(200, '<html>please log in</html>'), webPage],
  ['an empty body with HTTP 200', answer(200, ''), { ...runLater, message: /garbled/ }],
];

const isList = ({ method }: { method: string }): boolean => method === 'GET';

describe('between dqsync and the source', () => {
  it.for(retried)('occasional %s are retried', async ([what, fault]) => {
    await expectOutcome('source', {
      what,
      decide: spoil(fault, nowAndThen, isList),
      outcome: 'recovers',
    });
  });

  it.for(retried)('permanent %s fail the run, and the next run repairs it', async ([what, fault, outcome]) => {
    await expectOutcome('source', {
      what,
      decide: spoil(fault, () => true, isList),
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
      what: 'a slow body that arrives in time',
      decide: spoil({ kind: 'drip', bytes: 4_000, ms: 5 }, nowAndThen),
      outcome: 'recovers',
    },
    {
      what: 'connections that are silent for longer than the time limit of the run',
      decide: spoil({ kind: 'black-hole' }, () => true, isList),
      next: { limitMs: 700, limits: { headersTimeoutMs: 60_000, requestTimeoutMs: 60_000 } },
      outcome: { ...runLater, message: /the time limit of this run was reached/, remedy: /maxRunSeconds/ },
    },
    ...(['reset', 'garbage', 'silence'] as const).map((greeting) => ({
      what: `connections greeted by ${greeting}`,
      greeting,
      outcome: { ...runLater, message: /did not return/ },
    })),
    {
      what: 'an untrusted certificate',
      next: { sourceDoor: 'untrusted-tls' },
      outcome: { ...unreachable, code: /SELF_SIGNED/, remedy: /NODE_EXTRA_CA_CERTS/, retryable: false },
    },
    {
      what: 'https to a server that speaks plain http',
      next: { sourceDoor: 'tls-without-tls' },
      outcome: { ...unreachable, retryable: false },
    },
    {
      what: 'a TLS handshake that is broken off',
      next: { sourceDoor: 'tls-without-tls' },
      greeting: 'reset',
      outcome: unreachable,
    },
    {
      what: 'a TLS handshake that is never answered',
      next: { sourceDoor: 'tls-without-tls', limits: { connectTimeoutMs: 300 } },
      greeting: 'silence',
      outcome: { ...unreachable, code: /TIMEOUT/ },
    },
    {
      what: 'a host that does not exist',
      next: { sourceDoor: 'no-such-host' },
      outcome: { ...unreachable, code: /ENOTFOUND|EAI_AGAIN/, remedy: /DNS/ },
    },
    {
      what: 'HTTP 400',
      decide: spoil(answer(400, '{"error_code":"DQC.1001","error_msg":"bad"}'), () => true, isList),
      outcome: { kind: 'source', code: /DQC\.1001/, remedy: /\S/, retryable: false },
    },
    ...[-10, 10].flatMap((minutes) => [
      {
        what: `a source whose clock is off by ${minutes} minutes`,
        sourceSkewMs: minutes * 60_000,
        outcome: 'recovers' as const,
      },
      {
        what: `a machine whose clock is off by ${minutes} minutes`,
        next: { ourSkewMs: minutes * 60_000 },
        outcome: 'recovers' as const,
      },
      {
        what: `signatures by a clock that is off by ${2 * minutes} minutes`,
        next: { ourSkewMs: 2 * minutes * 60_000 },
        secret: defaultAccount.accessKeys[0],
        outcome: { kind: 'credentials', remedy: /clock is 20 minutes/ },
      },
    ]),
  ];
  it.for(others)('$what: the outcome is correct, and the next run repairs it', async (row) => {
    await expectOutcome('source', row);
  });
});
