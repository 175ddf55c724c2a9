/** Checks a target's secret, credentials, list and clock. */
import type { Clock } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import type { Connections } from '../../connect.ts';
import { CredentialsError, SourceError, toDqsyncError } from '../../errors.ts';
import { type EpochMs, maxPageRows, type Page } from '../../model.ts';
import type { Source } from '../../source/client.ts';
import { readCredentials } from '../../source/credentials.ts';
import { targetOf } from '../../sync/targets.ts';
import { count, counted } from '../terminal/formats.ts';
import { answerWithin, askSourceClock, describeFutureRows, describeSkew } from '../terminal/source-clock.ts';
import { type Check, type CheckSubject, failedCheck, passedCheck, runCheck, skippedCheck } from './check.ts';

/** All checks of a target's source together may take so long. */
const patienceMs = 60_000;
/** Beyond this the clock is wrong, and rows may be read before they are there. */
const maxSkewMs = 60_000;
/** Some services refuse to list more than a day at once. */
const listedMs = 86_400_000 - 60_000;

type Note = (check: Check) => void;

/** Runs the checks in the order in which they build on each other. */
export async function checkSource(connections: Connections, target: TargetConfig, note: Note): Promise<void> {
  const subject = subjectOf(target);
  const secret = await runCheck(subject('secret'), async () => {
    const { form } = await readCredentials(target.credentials, { target: target.name, environment: process.env });
    return `${target.credentials} holds ${secretForms[form]}`;
  });
  note(secret);
  if (secret.outcome === 'failed') {
    skipAll(['credentials', 'list', 'clock', 'future rows'], subject, 'there is no usable secret', note);
    return;
  }
  const limit = answerWithin(patienceMs);
  const source = connections.connect(target, limit.signal, () => patienceMs);
  try {
    if (await checkList(source, target, connections.clock.now(), note)) {
      await checkClocks(connections.clock, source, target, note);
    }
  } finally {
    limit.cancel();
    await source.close();
  }
}

const secretForms = {
  accessKey: 'an access key',
  password: 'a user with a password',
  token: 'a token',
} as const;

/** Lists the last day: proves the credentials, then the list. Returns whether there is any use in asking more. */
async function checkList(source: Source, target: TargetConfig, nowMs: EpochMs, note: Note): Promise<boolean> {
  const subject = subjectOf(target);
  const rest = ['clock', 'future rows'];
  try {
    const { filter } = targetOf(target);
    const span = { startTimeMs: nowMs - listedMs, endTimeMs: nowMs };
    const page = await source.fetchPage({ ...span, filter, limit: maxPageRows, offset: 0 });
    note(passedCheck(subject('credentials'), 'the source lets us in'));
    note(listCheck(subject('list'), page));
    return true;
  } catch (thrown) {
    const error = toDqsyncError(thrown);
    // Without a request to the list, it was the token that could not be had.
    if (error instanceof CredentialsError || source.stats().requests === 0) {
      note(failedCheck(subject('credentials'), error));
      skipAll(['list', ...rest], subject, 'no request is let in without credentials', note);
      return false;
    }
    const isAnswer = error instanceof SourceError && error.httpStatus !== undefined;
    note(
      isAnswer
        ? passedCheck(subject('credentials'), 'the source takes them')
        : skippedCheck(subject('credentials'), 'the source gave no answer'),
    );
    note(failedCheck(subject('list'), error));
    skipAll(rest, subject, 'the list does not work', note);
    return false;
  }
}

/** Rows that cannot be read are no reason to stop, unless no other comes. */
function listCheck(subject: CheckSubject, { count: total, executions, unreadable }: Page): Check {
  const [first] = unreadable;
  if (first === undefined) {
    return passedCheck(subject, `the source answers${total === null ? '' : `, count ${count(total)} in the last day`}`);
  }
  return {
    ...subject,
    outcome: executions.length === 0 ? 'failed' : 'noticed',
    finding: `${counted(unreadable.length, 'row')} of ${count(unreadable.length + executions.length)} cannot be read: ${first.reason}`,
    remedy:
      executions.length === 0
        ? 'The API may have changed: look for a newer version of dqsync. A sync fails and covers nothing.'
        : 'Such rows are quarantined whole, and counted by "dqsync status".',
  };
}

async function checkClocks(clock: Clock, source: Source, target: TargetConfig, note: Note): Promise<void> {
  const subject = subjectOf(target);
  try {
    const seen = await askSourceClock(source, targetOf(target).filter, clock);
    const skew = describeSkew(seen.skewMs);
    note(
      Math.abs(seen.skewMs ?? 0) <= maxSkewMs
        ? passedCheck(subject('clock'), skew)
        : {
            ...subject('clock'),
            outcome: 'failed',
            finding: skew,
            remedy:
              "Set this machine's clock by NTP; if it is right, tell Huawei Cloud support. Signatures need clocks that agree.",
          },
    );
    note(
      seen.futureRows === 0
        ? passedCheck(subject('future rows'), 'no rows are dated in the future')
        : {
            ...subject('future rows'),
            outcome: 'noticed',
            finding: describeFutureRows(seen),
            remedy: 'Nothing is lost: each is read when its time has come. Look at the clock of what runs these tasks.',
          },
    );
  } catch (thrown) {
    note(failedCheck(subject('clock'), thrown));
  }
}

function subjectOf(target: TargetConfig): (name: string) => CheckSubject {
  return (name) => ({ name, target: target.name });
}

function skipAll(names: readonly string[], subject: (name: string) => CheckSubject, why: string, note: Note): void {
  for (const name of names) {
    note(skippedCheck(subject(name), `not checked: ${why}`));
  }
}
