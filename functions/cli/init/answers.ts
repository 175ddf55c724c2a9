/** Gathers the answers that `dqsync init` needs, from options and questions. Each is checked as soon as it is there. */
import { dayInTimeZone, parseTime, systemClock } from '../../clock.ts';
import { parseConfig, timeZone as zoneSchema } from '../../config.ts';
import { configFromText } from '../../config-text.ts';
import { ConfigError } from '../../errors.ts';
import { askLine } from '../terminal/ask.ts';
import { writeError } from '../terminal/output.ts';
import { type Answers, type Auth, configFile, configText } from './templates.ts';

/** Options that answer questions. */
export type AnswerOptions = Partial<Answers>;

/** Default range of a first sync: enough to see something, done in a minute. */
const firstSyncDays = 7;

/**
 * Returns the answers that options and defaults give.
 *
 * @throws ConfigError if an option is missing or not valid
 */
export function fromOptions(options: AnswerOptions, isDeployment: boolean): Answers {
  const { region, project, workspace } = options;
  if (region === undefined || project === undefined || workspace === undefined) {
    const missing = Object.entries({ region, project, workspace }).flatMap(([key, value]) =>
      value === undefined ? [`--${key} <value>`] : [],
    );
    throw new ConfigError(`dqsync init needs ${missing.join(' ')}: there is no terminal to ask on`, {
      remedy: `Run: dqsync init ${isDeployment ? '--deploy' : '<folder>'} ${missing.join(' ')}`,
    });
  }
  requireValid(options);
  return { ...defaults(options), region, project, workspace };
}

/**
 * Asks for what the options do not give, and asks again if an answer is not valid.
 *
 * @param isDeployment whether a stack makes the warehouse, so that there is no question about it
 * @param askOne asks one question, on the terminal by default
 * @throws NoAnswer; ConfigError for an option that is not valid
 */
export async function askAll(
  options: AnswerOptions,
  isDeployment: boolean,
  askOne: typeof askLine = askLine,
): Promise<Answers> {
  requireValid(options);
  const proposed = defaults(options);
  const ask = async (key: keyof Answers, question: string, proposal = '', timeZone = 'UTC'): Promise<string> =>
    options[key] ?? (await askUntilValid(key, timeZone, () => askOne(question, proposal)));
  const answers = {
    name: proposed.name,
    region: await ask('region', 'Region, for example ap-southeast-3'),
    project: await ask('project', 'Project id (console: My Credentials)'),
    workspace: await ask('workspace', 'Workspace id (DataArts Studio: Workspaces)'),
    auth: asAuth(await ask('auth', 'Credentials: aksk, password or token', proposed.auth)) ?? proposed.auth,
    warehouse: isDeployment
      ? (options.warehouse ?? '')
      : await ask('warehouse', 'Warehouse: file:<folder> or s3://<bucket>', proposed.warehouse),
  };
  const timeZone = await ask('timeZone', 'Time zone of the days in the table', proposed.timeZone);
  const { from: firstDay } = defaults({ ...options, timeZone });
  return { ...answers, timeZone, from: await ask('from', 'First day to sync', firstDay, timeZone) };
}

function defaults({ auth = 'aksk', warehouse = 'file:./warehouse', name = 'main', from, timeZone }: AnswerOptions) {
  const zone = timeZone ?? zoneOfMachine();
  const firstDay = from ?? dayInTimeZone(zone)(systemClock.now() - firstSyncDays * 86_400_000);
  return { auth, warehouse, name, from: firstDay, timeZone: zone };
}

function zoneOfMachine(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return problemWith('timeZone', zone, 'UTC') === null ? zone : 'UTC';
}

async function askUntilValid(key: keyof Answers, timeZone: string, askOne: () => Promise<string>): Promise<string> {
  for (;;) {
    const answer = await askOne();
    const problem = answer === '' ? null : problemWith(key, answer, timeZone);
    if (problem !== null) {
      writeError(`${JSON.stringify(answer)} ${problem}.`);
    } else if (answer !== '') {
      return answer;
    }
  }
}

function requireValid(answers: AnswerOptions): void {
  for (const key of answerNames) {
    const value = answers[key];
    const problem = value === undefined ? null : problemWith(key, value, answers.timeZone ?? zoneOfMachine());
    if (problem !== null) {
      throw new ConfigError(`--${key === 'timeZone' ? 'time-zone' : key} ${JSON.stringify(value)} ${problem}`, {
        remedy: 'Correct it. Nothing was written.',
      });
    }
  }
}

/** Valid answers. To check a single answer, the others are taken from here. */
const sample: Answers = {
  region: 'ap-southeast-3',
  project: '0',
  workspace: '0',
  auth: 'aksk',
  warehouse: 'file:./warehouse',
  name: 'main',
  from: '2026-01-01',
  timeZone: 'UTC',
};
/** The time zone comes before the day, which is one of that zone. */
const answerNames = ['region', 'project', 'workspace', 'auth', 'warehouse', 'name', 'timeZone', 'from'] as const;

/** Returns what is wrong with an answer, as the end of a sentence; null if nothing is. `timeZone` is that of its day. */
function problemWith(key: keyof Answers, value: string, timeZone: string): string | null {
  if (key === 'region') {
    return /^[a-z]+(-[a-z0-9]+)+$/.test(value) ? null : 'must be the id of a region, for example "ap-southeast-3"';
  }
  if (key === 'auth') {
    return asAuth(value) === null ? 'must be "aksk", "password" or "token"' : null;
  }
  if (key === 'timeZone') {
    return zoneSchema.safeParse(value).success
      ? null
      : 'must be "UTC" or an Area/City name of the IANA database, for example "Asia/Shanghai"';
  }
  if (key === 'from') {
    return problemWithDay(value, timeZone);
  }
  try {
    parseConfig(configFromText(configText({ ...sample, [key]: value }), configFile).value, 'it');
    return null;
  } catch (thrown) {
    if (thrown instanceof ConfigError) {
      return thrown.message.replace(/^.*?"[\w.[\]]+": (?=must)/s, '');
    }
    throw thrown;
  }
}

function problemWithDay(value: string, timeZone: string): string | null {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(value) && parseTime(value) !== null;
  return isDay && value <= dayInTimeZone(timeZone)(systemClock.now()) && value >= '2001-09-10'
    ? null
    : 'must be a day from 2001-09-10 on that is not in the future, for example "2026-01-31"';
}

function asAuth(text: string): Auth | null {
  return text === 'aksk' || text === 'password' || text === 'token' ? text : null;
}
