/** The files that `dqsync init` writes. Pure. */
import { timeInZone } from '../../clock.ts';
import { iamEndpointOf } from '../../config.ts';
import { parseTimeArgument } from '../../time-range.ts';

/** How dqsync authenticates to the source. */
export type Auth = 'aksk' | 'password' | 'token';

/** The user's answers. */
export interface Answers {
  /** For example `ap-southeast-3`. */
  readonly region: string;
  readonly project: string;
  readonly workspace: string;
  readonly auth: Auth;
  /** URL of the warehouse. */
  readonly warehouse: string;
  /** Name of the target. */
  readonly name: string;
  /** First day to sync, `YYYY-MM-DD`, in `timeZone`. */
  readonly from: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** Returns the endpoint of DataArts Studio in a region. Regions of Huawei Cloud Europe are under `.eu`. */
export function endpointOf(region: string): string {
  return `https://dayu.${region}.myhuaweicloud.${region.startsWith('eu-') ? 'eu' : 'com'}`;
}

/** Fields of each form of the secret, with a description. */
export const secretFields: Readonly<Record<Auth, Readonly<Record<string, string>>>> = {
  aksk: { accessKeyId: 'Access key id', secretAccessKey: 'Secret access key' },
  password: { domainName: 'Account name', userName: 'IAM user name', password: 'Password' },
  token: { token: 'X-Auth-Token, valid for 24 hours' },
};

/** Returns the text of `dqsync.json`: the eight keys that people set, each with a comment. */
export function configText(answers: Answers): string {
  return `{
  "$schema": "./${schemaFile}",

  // Where the table is stored: "s3://bucket/prefix", or "file:<folder>", relative to this file.
  "warehouse": ${JSON.stringify(answers.warehouse)},

  // One entry for each workspace. Credentials are "file:<path>", "env:<variable>", or "secretsmanager:<name or ARN>".
${keysText(answers, `file:./${secretFile}`)}
}
`;
}

/** Returns the keys that both files have, with comments. */
function keysText(answers: Answers, credentials: string): string {
  const { region, auth, name, project, workspace } = answers;
  const text = (value: string): string => JSON.stringify(value);
  const endpoint = endpointOf(region);
  const iam = auth === 'password' ? `\n    "iamEndpoint": ${text(iamEndpointOf({ endpoint }) ?? '')},` : '';
  return `  "targets": [
    {
      "name": ${text(name)},
      "projectId": ${text(project)},
      "workspace": ${text(workspace)},
      "credentials": ${text(credentials)}
    }
  ],
  "source": {
    "endpoint": ${text(endpoint)},${iam}
    // Requests that your user may send: the service's own limit is 40 in 10 seconds.
    "quota": { "requests": 40, "perSeconds": 10 }
  },

  // The first run reads executions from this time on. "dqsync backfill" reads earlier ones.
  "initialFrom": ${text(midnightOf(answers))},

  // The time zone of the days by which the table is partitioned. It cannot change later.
  "partitionTimeZone": ${text(answers.timeZone)}`;
}

/** Returns the instant at which the first day begins. */
function midnightOf({ from, timeZone }: Answers): string {
  return timeInZone(timeZone)(parseTimeArgument(from, '--from', timeZone));
}

/** Name of the file with the deployment's settings. */
export const deployFile = 'dqsync.deploy.json';

/** Returns the name of the secret in Secrets Manager that a deployment creates for a target. */
export function secretNameOf({ name }: Pick<Answers, 'name'>): string {
  return `dqsync/${name}`;
}

/** Returns the text of `dqsync.deploy.json`. Without a warehouse, the stack creates a bucket. */
export function deployText(answers: Answers): string {
  const warehouse = answers.warehouse.startsWith('s3://')
    ? `"warehouse": ${JSON.stringify(answers.warehouse)},`
    : '// "warehouse": "s3://<bucket>[/<prefix>]" names the bucket. Without it, CloudFormation chooses a name.';
  return `{
  // The configuration of every run: the keys of dqsync.json, which the README lists.
  "config": {
    ${warehouse}

    // One entry for each workspace. The stack creates a secret with that name, whose value you set by hand.
${keysText(answers, `secretsmanager:${secretNameOf(answers)}`).replaceAll(/^(?=.)/gm, '  ')}
  },

  // What is deployed around it: infra/README.md lists the keys.
  "deployment": {
    "stackName": "dqsync",
    "schedule": { "expression": "rate(1 hour)" },
    // Who gets an email when an alarm fires:
    // "alarmEmail": "data-team@example.com",
  }
}
`;
}

/** Name of the config file. */
export const configFile = 'dqsync.json';
/** Name of the JSON schema with which editors check the config. */
export const schemaFile = 'dqsync.schema.json';
/** Name of the file with the credentials. */
export const secretFile = 'secret.json';

/** Returns the text of `secret.json`. Fields without a value are empty. */
export function secretText(auth: Auth, values: Readonly<Record<string, string>>): string {
  const fields = Object.keys(secretFields[auth]).map((field) => [field, values[field] ?? '']);
  return `${JSON.stringify(Object.fromEntries(fields), null, 2)}\n`;
}

/** Lines of the `.gitignore`: credentials, and data that commands write. */
const ignoredNames: readonly string[] = [secretFile, '.dqsync/', 'warehouse/'];

/** Returns a `.gitignore` that ignores all of `ignoredNames`, with its previous lines. */
export function gitignoreText(before: string): string {
  // With or without slashes at its ends, a name ignores what init writes beside the file.
  const bare = (line: string): string => line.trim().replace(/^\/|\/$/g, '');
  const lines = before.split('\n').map(bare);
  const missing = ignoredNames.filter((name) => !lines.includes(bare(name)));
  const start = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  return missing.length === 0 ? before : `${start}${missing.join('\n')}\n`;
}
