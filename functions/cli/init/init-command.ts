/** `dqsync init`: writes a config, a template for the credentials and a .gitignore into the user's own folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dayInTimeZone, systemClock } from '../../clock.ts';
import { configJsonSchema, parseConfig } from '../../config.ts';
import { configValue } from '../../config-text.ts';
import { ConfigError } from '../../errors.ts';
import { doctor } from '../doctor/doctor-command.ts';
import { canAsk } from '../terminal/confirm.ts';
import { writeLine, writeNote } from '../terminal/output.ts';
import { askLine, NoAnswer } from './ask.ts';
import {
  type Answers,
  type Auth,
  configFile,
  configText,
  deployFile,
  deployText,
  gitignoreText,
  schemaFile,
  secretFields,
  secretFile,
  secretNameOf,
  secretText,
} from './templates.ts';

/** Options of `init`. */
export interface InitOptions {
  readonly region?: string;
  readonly project?: string;
  readonly workspace?: string;
  readonly auth?: Auth;
  readonly warehouse?: string;
  readonly name?: string;
  readonly from?: string;
  readonly timeZone?: string;
  /** Whether to write the files for a deployment from a clone instead. */
  readonly deploy?: boolean;
}

/** Exit code after Ctrl-C, as of a shell. */
const interruptedExitCode = 130;

/**
 * Asks for missing options, writes the files, and runs `doctor` if the credentials are complete. Never overwrites a
 * file.
 *
 * @param folder created if it does not exist
 * @returns 0; the exit code of doctor if it ran; 130 if the user left before the last answer
 * @throws ConfigError if a file exists already, an answer is not valid, or an option is missing without a terminal to
 * ask on
 */
export async function init(folder: string, options: InitOptions): Promise<number> {
  const isDeployment = options.deploy === true;
  if (isDeployment) {
    await requireClone(folder);
    refuseFolder(options);
  }
  await refuseExisting(folder, isDeployment ? deployFile : configFile);
  let answers: Answers;
  let secret: Readonly<Record<string, string>> = {};
  try {
    answers = canAsk() ? await askAll(options) : fromOptions(options);
    secret = canAsk() && !(await exists(join(folder, secretFile))) ? await askSecret(answers.auth) : {};
  } catch (thrown) {
    if (thrown instanceof NoAnswer) {
      writeNote('Interrupted. Nothing was written.');
      return interruptedExitCode;
    }
    throw thrown;
  }
  if (isDeployment) {
    return await writeDeployment(folder, answers, secret);
  }
  const text = configText(answers);
  parseConfig(configValue(text, configFile), 'The config from these answers');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, configFile), text, { flag: 'wx' });
  await writeFile(join(folder, schemaFile), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  const gitignore = join(folder, '.gitignore');
  await writeFile(gitignore, gitignoreText((await exists(gitignore)) ? await readFile(gitignore, 'utf8') : ''));
  const hasSecret = await writeSecret(folder, answers.auth, secret);
  writeLine(
    `Wrote ${[configFile, schemaFile, secretFile, '.gitignore'].map((name) => join(folder, name)).join(', ')}.`,
  );
  return await finish(folder, hasSecret);
}

/** Writes the deployment file and the secret's template, both of which the clone's .gitignore lists. */
async function writeDeployment(
  folder: string,
  answers: Answers,
  secret: Readonly<Record<string, string>>,
): Promise<number> {
  const text = deployText(answers);
  parseConfig(Object(configValue(text, deployFile)).config, 'The config from these answers');
  await writeFile(join(folder, deployFile), text, { flag: 'wx' });
  const hasSecret = await writeSecret(folder, answers.auth, secret);
  writeLine(`Wrote ${[deployFile, secretFile].map((name) => join(folder, name)).join(', ')}; git ignores both.`);
  const fill = `aws secretsmanager put-secret-value --secret-id ${secretNameOf(answers)} --secret-string file://${secretFile}`;
  writeNext([
    ...(folder === '.' ? [] : [`cd ${folder}`]),
    ...(hasSecret ? [] : [`edit ${secretFile}`]),
    'npx cdk synth --quiet       # checks the file, offline',
    'npx cdk bootstrap           # once per account and region',
    'npx cdk deploy',
    fill,
    `rm ${secretFile}`,
    'npx dqsync smoke dqsync     # tries it once',
  ]);
  return 0;
}

async function requireClone(folder: string): Promise<void> {
  if (!(await exists(join(folder, 'cdk.json')))) {
    throw new ConfigError(`there is no cdk.json in ${folder === '.' ? 'this folder' : folder}; nothing was written`, {
      remedy: 'Deploying needs a clone of dqsync: run "npx dqsync init --deploy" in its top folder.',
    });
  }
}

function refuseFolder({ warehouse }: InitOptions): void {
  if (warehouse !== undefined && !warehouse.startsWith('s3://')) {
    throw new ConfigError(`--warehouse ${warehouse} cannot be deployed: a Lambda has no persistent disk`, {
      remedy: 'Name "s3://<bucket>[/<prefix>]", or leave it out: the stack then makes a bucket.',
    });
  }
}

async function refuseExisting(folder: string, name: string): Promise<void> {
  if (await exists(join(folder, name))) {
    throw new ConfigError(`${join(folder, name)} exists already; nothing was written`, {
      remedy: name === configFile ? 'Edit that file, or name another folder: dqsync init <folder>' : 'Edit that file.',
    });
  }
}

const optionNames = { region: '--region', project: '--project', workspace: '--workspace' } as const;

function fromOptions(options: InitOptions): Answers {
  const { region, project, workspace } = options;
  if (region === undefined || project === undefined || workspace === undefined) {
    const missing = Object.entries(optionNames).flatMap(([key, flag]) =>
      Object.hasOwn(options, key) ? [] : [`${flag} <value>`],
    );
    throw new ConfigError(`dqsync init needs ${missing.join(' ')}: there is no terminal to ask on`, {
      remedy: `Run: dqsync init <folder> ${missing.join(' ')}`,
    });
  }
  return { ...defaults(options), region, projectId: project, workspace };
}

function defaults({ auth = 'aksk', warehouse = 'file:./warehouse', name = 'main', from, timeZone }: InitOptions) {
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const firstDay = from ?? dayInTimeZone('UTC')(systemClock.now() - firstSyncDays * 86_400_000);
  return { auth, warehouse, name, from: firstDay, timeZone: zone.includes('/') ? zone : 'UTC' };
}

/** Default range of a first sync: enough to see something, done in a minute. */
const firstSyncDays = 7;

async function askAll(options: InitOptions): Promise<Answers> {
  const proposed = defaults(options);
  const ask = async (given: string | undefined, question: string, proposal = ''): Promise<string> => {
    for (;;) {
      const answer = given ?? (await askLine(question, proposal));
      if (answer !== '') {
        return answer;
      }
    }
  };
  const region = await ask(options.region, 'Region, for example ap-southeast-3');
  const projectId = await ask(options.project, 'Project id (console: My Credentials)');
  const workspace = await ask(options.workspace, 'Workspace id (DataArts Studio: Workspaces)');
  const auth = asAuth(await ask(options.auth, 'Credentials: aksk, password or token', proposed.auth));
  const warehouse =
    options.deploy === true
      ? (options.warehouse ?? '')
      : await ask(options.warehouse, 'Warehouse: file:<folder> or s3://<bucket>', proposed.warehouse);
  const from = await ask(options.from, 'First day to sync', proposed.from);
  const timeZone = await ask(options.timeZone, 'Time zone of the days in the table', proposed.timeZone);
  return { region, projectId, workspace, auth, warehouse, name: proposed.name, from, timeZone };
}

function asAuth(text: string): Auth {
  if (text === 'aksk' || text === 'password' || text === 'token') {
    return text;
  }
  throw new ConfigError(`"${text}" is not a kind of credentials`, { remedy: 'Answer aksk, password or token.' });
}

async function askSecret(auth: Auth): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [field, what] of Object.entries(secretFields[auth])) {
    const isSecret = field !== 'accessKeyId' && field !== 'domainName' && field !== 'userName';
    values[field] = await askLine(`${what} (Enter to fill it in later)`, '', isSecret);
  }
  return values;
}

/** Writes the secret unless the file exists. Returns whether it contains credentials now. */
async function writeSecret(folder: string, auth: Auth, values: Readonly<Record<string, string>>): Promise<boolean> {
  const path = join(folder, secretFile);
  if (await exists(path)) {
    return true;
  }
  await writeFile(path, secretText(auth, values), { mode: 0o600, flag: 'wx' });
  return Object.keys(secretFields[auth]).every((field) => (values[field] ?? '') !== '');
}

async function finish(folder: string, hasSecret: boolean): Promise<number> {
  const steps = [
    ...(folder === '.' ? [] : [`cd ${folder}`]),
    ...(hasSecret ? [] : [`edit ${secretFile}`, 'dqsync doctor']),
    'dqsync sync',
    'dqsync status',
  ];
  const exitCode = hasSecret ? await doctor({ config: join(folder, configFile), target: [] }) : 0;
  writeNext(steps);
  return exitCode;
}

function writeNext(steps: readonly string[]): void {
  writeLine(`\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      return false;
    }
    throw cause;
  }
}
