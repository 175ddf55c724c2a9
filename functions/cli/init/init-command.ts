/** `dqsync init`: writes a config, a template for the credentials and a .gitignore into the user's own folder. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { configJsonSchema } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { makeFolder } from '../../warehouse/folders.ts';
import { doctor } from '../doctor/doctor-command.ts';
import { askLine, canAsk, NoAnswer } from '../terminal/ask.ts';
import { writeLine, writeNote } from '../terminal/output.ts';
import { writeNew, writingInto } from '../terminal/own-files.ts';
import { type AnswerOptions, askAll, fromOptions } from './answers.ts';
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

interface InitOptions extends AnswerOptions {
  readonly deploy?: boolean;
}

/**
 * Asks for missing options, writes the files, and runs `doctor` if the credentials are complete. Never overwrites a
 * file.
 *
 * @param folder created if it does not exist
 * @returns 0; the exit code of doctor if it ran; 130 if the user left before the last answer
 * @throws ConfigError if a file exists already or cannot be written, an answer is not valid, or an option is missing
 * without a terminal to ask on
 */
export async function init(folder = '.', options: InitOptions): Promise<number> {
  return await writingInto(folder, () => initIn(folder, options));
}

async function initIn(folder: string, options: InitOptions): Promise<number> {
  const isDeployment = options.deploy === true;
  if (isDeployment) {
    requireClone(folder);
    refuseFolder(options);
  }
  refuseExisting(folder, isDeployment ? deployFile : configFile);
  let answers: Answers;
  let secret: Readonly<Record<string, string>> = {};
  try {
    answers = canAsk() ? await askAll(options, isDeployment) : fromOptions(options, isDeployment);
    secret = canAsk() && !existsSync(join(folder, secretFile)) ? await askSecret(answers.auth) : {};
  } catch (thrown) {
    if (thrown instanceof NoAnswer) {
      writeNote('Interrupted. Nothing was written.');
      return 130;
    }
    throw thrown;
  }
  if (isDeployment) {
    return await writeDeployment(folder, answers, secret);
  }
  const text = configText(answers);
  await makeFolder(resolve(folder));
  await writeFile(join(folder, schemaFile), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  const gitignore = join(folder, '.gitignore');
  await writeFile(gitignore, gitignoreText(existsSync(gitignore) ? await readFile(gitignore, 'utf8') : ''));
  const hasSecret = await writeSecret(folder, answers.auth, secret);
  // The last one: without it, the same command may be repeated.
  await writeNew(join(folder, configFile), text);
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
  const hasSecret = await writeSecret(folder, answers.auth, secret);
  await writeNew(join(folder, deployFile), text);
  writeLine(`Wrote ${[deployFile, secretFile].map((name) => join(folder, name)).join(', ')}; git ignores both.`);
  const fill = `aws secretsmanager put-secret-value --secret-id ${secretNameOf(answers)} --secret-string file://${secretFile}`;
  writeNext(folder, hasSecret, [
    'npx cdk synth --quiet       # checks the file, offline',
    'npx cdk bootstrap           # once per account and region',
    'npx cdk deploy',
    fill,
    `rm ${secretFile}`,
    'npx dqsync smoke dqsync     # tries it once',
  ]);
  return 0;
}

function requireClone(folder: string): void {
  if (!existsSync(join(folder, 'cdk.json'))) {
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

function refuseExisting(folder: string, name: string): void {
  if (existsSync(join(folder, name))) {
    throw new ConfigError(`${join(folder, name)} exists already; nothing was written`, {
      remedy: name === configFile ? 'Edit that file, or name another folder: dqsync init <folder>' : 'Edit that file.',
    });
  }
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
  if (existsSync(path)) {
    return true;
  }
  await writeNew(path, secretText(auth, values), 0o600);
  return Object.keys(secretFields[auth]).every((field) => (values[field] ?? '') !== '');
}

async function finish(folder: string, hasSecret: boolean): Promise<number> {
  const exitCode = hasSecret ? await doctor({ config: join(folder, configFile), target: [] }) : 0;
  const isReady = hasSecret && exitCode === 0;
  const steps = [...(isReady ? [] : ['dqsync doctor']), 'dqsync sync', 'dqsync status'];
  writeNext(folder, hasSecret, steps, exitCode === 0 ? 'Next:' : 'Next, fix what is marked with ✗. Then:');
  return exitCode;
}

function writeNext(folder: string, hasSecret: boolean, steps: readonly string[], title = 'Next:'): void {
  const first = [...(folder === '.' ? [] : [`cd ${folder}`]), ...(hasSecret ? [] : [`edit ${secretFile}`])];
  writeLine(`\n${title}\n${[...first, ...steps].map((step) => `  ${step}`).join('\n')}`);
}
