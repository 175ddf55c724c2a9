/** Checks a target's secret, credentials, list and clock. */
import type { Clock } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import type { Connections } from '../../connect.ts';
import { CredentialsError, SourceError, toDqsyncError } from '../../errors.ts';
import { type EpochMs, type Execution, maxPageRows, type Page, type PageFilter } from '../../model.ts';
import type { Source } from '../../source/client.ts';
import { readCredentials } from '../../source/credentials.ts';
import { isOverQuota } from '../../source/source-errors.ts';
import { maxSkewMs } from '../../sync/clock-skew.ts';
import { targetOf } from '../../sync/targets.ts';
import { requireWindows } from '../../sync/window-check.ts';
import { count, counted } from '../terminal/formats.ts';
import { askSourceClock, describeFutureRows, describeSkew, withSource } from '../terminal/source-clock.ts';
import { type Check, checkOf, failedCheck, type NoteCheck, runCheck } from './check.ts';

/** Time limit for all checks of a target's source together. */
const patienceMs = 60_000;
const dayMs = 86_400_000;
/** Some services refuse to list more than a day in one request. */
const listedMs = dayMs - 60_000;

/** Checks that need a working list. */
const laterChecks = ['windows', 'clock', 'future rows', 'tasks'] as const;

const secretForms = { accessKey: 'an access key', password: 'a user with a password', token: 'a token' } as const;

/** Runs the checks in the order of their dependencies. */
export async function checkSource(connections: Connections, target: TargetConfig, note: NoteCheck): Promise<void> {
  const secret = await runCheck('secret', async () => {
    const { form } = await readCredentials(target.credentials, { target: target.name, environment: process.env });
    return `${target.credentials} holds ${secretForms[form]}`;
  });
  note(secret);
  if (secret.outcome === 'failed') {
    skip(['credentials', 'list', ...laterChecks], 'there is no usable secret', note);
    return;
  }
  const { filter } = targetOf(target);
  await withSource(connections, target, patienceMs, async (source) => {
    const listed = await checkList(source, filter, connections.clock.now(), note);
    if (listed !== null) {
      note(
        await runCheck('windows', async () => {
          await requireWindows({ fetchPage: source.fetchPage, filter }, listed, connections.clock.now());
          return 'the source selects by start time';
        }),
      );
      await checkClocks(connections.clock, source, filter, note);
      note(await checkTasks(source));
    }
  });
}

/**
 * Lists the last day: checks the credentials first, then the list. Returns the executions; null if the later checks are
 * impossible.
 */
async function checkList(
  source: Source,
  filter: PageFilter,
  nowMs: EpochMs,
  note: NoteCheck,
): Promise<readonly Execution[] | null> {
  try {
    const span = { startTimeMs: nowMs - listedMs, endTimeMs: nowMs };
    const page = await source.fetchPage({ ...span, filter, limit: maxPageRows, offset: 0 });
    note(checkOf('credentials', 'passed', 'the source accepts them'));
    note(listCheck(page));
    return page.executions;
  } catch (thrown) {
    const error = toDqsyncError(thrown);
    // Without a request to the list, the token was not available.
    if (error instanceof CredentialsError || source.stats().requests === 0) {
      note(failedCheck('credentials', error));
      skip(['list', ...laterChecks], 'the check of the credentials failed', note);
      return null;
    }
    // A reply without a code is not of the service, and a gateway may refuse for the quota before it checks them.
    const { httpStatus, code } = error instanceof SourceError ? error : {};
    const isAccepted = httpStatus !== undefined && code !== undefined && !isOverQuota(httpStatus, code);
    note(
      isAccepted
        ? checkOf('credentials', 'passed', 'the source accepts them')
        : checkOf(
            'credentials',
            'skipped',
            `not checked: ${httpStatus === undefined ? 'no reply' : `HTTP ${httpStatus}`}`,
          ),
    );
    note(failedCheck('list', error));
    skip(laterChecks, 'the list request failed', note);
    return null;
  }
}

/** Returns the check of the list. Unreadable rows are not a failure unless all rows are unreadable. */
function listCheck({ count: total, executions, unreadable }: Page): Check {
  const [first] = unreadable;
  if (first === undefined) {
    const rows = Math.max(executions.length, total ?? 0);
    // On a full page, the count may be that of the page.
    const least = rows === maxPageRows ? 'at least ' : '';
    return checkOf('list', 'passed', `the source answers: ${least}${counted(rows, 'execution')} in the last day`);
  }
  const finding = `${counted(unreadable.length, 'row')} of ${count(unreadable.length + executions.length)} cannot be read: ${first.reason}`;
  const isNoneReadable = executions.length === 0;
  const remedy = isNoneReadable
    ? 'A sync would fail and cover nothing. The API may have changed: look for a newer version of dqsync.'
    : 'A sync quarantines such rows, and "dqsync status" counts them.';
  return checkOf('list', isNoneReadable ? 'failed' : 'noticed', finding, remedy);
}

async function checkClocks(clock: Clock, source: Source, filter: PageFilter, note: NoteCheck): Promise<void> {
  const futureRows = await runCheck('future rows', async () => {
    const seen = await askSourceClock(source, filter, clock);
    const remedy =
      'Nothing is lost: a sync reads each row once its start time is in the past. Check the clock of the system that runs these tasks.';
    return seen.futureRows === 0
      ? 'no rows are dated in the future'
      : checkOf('future rows', 'noticed', describeFutureRows(seen), remedy);
  });
  // Every reply shows the source's clock, so it is known even if the source refused that request.
  const { clockSkewMs } = source.stats();
  const skew = describeSkew(clockSkewMs);
  const skewRemedy =
    "Synchronize this machine's clock with NTP. If it is right, contact Huawei Cloud support. Signatures need clocks that agree.";
  const isWrong = Math.abs(clockSkewMs ?? 0) > maxSkewMs;
  note(isWrong ? checkOf('clock', 'failed', skew, skewRemedy) : checkOf('clock', 'passed', skew));
  note(futureRows);
}

/**
 * Lists tasks, which needs another role than listing executions. A refusal is not a failure, because executions are
 * still synced.
 */
async function checkTasks({ tasks }: Source): Promise<Check> {
  try {
    const { count: total } = await tasks.listTasks('QUALITY_TASK', 0);
    const counts = total === null ? '' : `, ${counted(total, 'quality task')}`;
    return checkOf('tasks', 'passed', `tasks and rule results can be read${counts}`);
  } catch (thrown) {
    const { code: _, ...failed } = failedCheck('tasks', thrown);
    return { ...failed, outcome: 'noticed' };
  }
}

function skip(names: readonly string[], why: string, note: NoteCheck): void {
  for (const name of names) {
    note(checkOf(name, 'skipped', `not checked: ${why}`));
  }
}
