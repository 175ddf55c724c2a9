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
import {
  type Check,
  type CheckSubject,
  failedCheck,
  noticedCheck,
  passedCheck,
  runCheck,
  skippedCheck,
} from './check.ts';

/** Time limit for all checks of a target's source together. */
const patienceMs = 60_000;
/** With a larger skew, a clock is wrong, and rows may be read before they exist. */
const maxSkewMs = 60_000;
/** Some services refuse to list more than a day at once. */
const listedMs = 86_400_000 - 60_000;

type Note = (check: Check) => void;

/** Runs the checks in the order of their dependencies. */
export async function checkSource(connections: Connections, target: TargetConfig, note: Note): Promise<void> {
  const subject = subjectOf(target);
  const secret = await runCheck(subject('secret'), async () => {
    const { form } = await readCredentials(target.credentials, { target: target.name, environment: process.env });
    return `${target.credentials} holds ${secretForms[form]}`;
  });
  note(secret);
  if (secret.outcome === 'failed') {
    skipAll(['credentials', 'list', 'clock', 'future rows', 'tasks'], subject, 'there is no usable secret', note);
    return;
  }
  const limit = answerWithin(patienceMs);
  const source = connections.connect(target, limit.signal, () => patienceMs);
  try {
    if (await checkList(source, target, connections.clock.now(), note)) {
      await checkClocks(connections.clock, source, target, note);
      note(await checkTasks(source, target));
    }
  } finally {
    limit.cancel();
    await source.close();
  }
}

/**
 * Lists tasks, which needs another role than listing executions. A refusal is no failure: executions are synced all the
 * same.
 */
async function checkTasks({ tasks }: Source, target: TargetConfig): Promise<Check> {
  const subject = subjectOf(target)('tasks');
  try {
    const { count: total } = await tasks.listTasks('QUALITY_TASK', 0);
    return passedCheck(
      subject,
      `tasks and rule results can be read${total === null ? '' : `, ${counted(total, 'quality task')}`}`,
    );
  } catch (thrown) {
    const { code: _, ...failed } = failedCheck(subject, thrown);
    return { ...failed, outcome: 'noticed' };
  }
}

const secretForms = {
  accessKey: 'an access key',
  password: 'a user with a password',
  token: 'a token',
} as const;

/** Lists the last day: checks first the credentials, then the list. Returns whether further checks make sense. */
async function checkList(source: Source, target: TargetConfig, nowMs: EpochMs, note: Note): Promise<boolean> {
  const subject = subjectOf(target);
  const rest = ['clock', 'future rows', 'tasks'];
  try {
    const { filter } = targetOf(target);
    const span = { startTimeMs: nowMs - listedMs, endTimeMs: nowMs };
    const page = await source.fetchPage({ ...span, filter, limit: maxPageRows, offset: 0 });
    note(passedCheck(subject('credentials'), 'the source accepts them'));
    note(listCheck(subject('list'), page));
    return true;
  } catch (thrown) {
    const error = toDqsyncError(thrown);
    // Without a request to the list, the token was not available.
    if (error instanceof CredentialsError || source.stats().requests === 0) {
      note(failedCheck(subject('credentials'), error));
      skipAll(['list', ...rest], subject, 'the source accepts no request without credentials', note);
      return false;
    }
    const isAnswer = error instanceof SourceError && error.httpStatus !== undefined;
    note(
      isAnswer
        ? passedCheck(subject('credentials'), 'the source accepts them')
        : skippedCheck(subject('credentials'), 'the source did not reply'),
    );
    note(failedCheck(subject('list'), error));
    skipAll(rest, subject, 'the list does not work', note);
    return false;
  }
}

/** Returns the check of the list. Unreadable rows are no failure, unless all rows are unreadable. */
function listCheck(subject: CheckSubject, { count: total, executions, unreadable }: Page): Check {
  const [first] = unreadable;
  if (first === undefined) {
    return passedCheck(subject, `the source answers${total === null ? '' : `, count ${count(total)} in the last day`}`);
  }
  const finding = `${counted(unreadable.length, 'row')} of ${count(unreadable.length + executions.length)} cannot be read: ${first.reason}`;
  return executions.length > 0
    ? noticedCheck(subject, finding, 'A sync quarantines such rows, and "dqsync status" counts them.')
    : noticedCheck(
        subject,
        finding,
        'A sync would fail and cover nothing. The API may have changed: look for a newer version of dqsync.',
        'failed',
      );
}

async function checkClocks(clock: Clock, source: Source, target: TargetConfig, note: Note): Promise<void> {
  const subject = subjectOf(target);
  try {
    const seen = await askSourceClock(source, targetOf(target).filter, clock);
    const skew = describeSkew(seen.skewMs);
    note(
      Math.abs(seen.skewMs ?? 0) <= maxSkewMs
        ? passedCheck(subject('clock'), skew)
        : noticedCheck(
            subject('clock'),
            skew,
            "Synchronize this machine's clock with NTP. If it is right, contact Huawei Cloud support. Signatures need clocks that agree.",
            'failed',
          ),
    );
    note(
      seen.futureRows === 0
        ? passedCheck(subject('future rows'), 'no rows are dated in the future')
        : noticedCheck(
            subject('future rows'),
            describeFutureRows(seen),
            'Nothing is lost: a sync reads each row when its time has come. Check the clock of the system that runs these tasks.',
          ),
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
