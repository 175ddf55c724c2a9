/** The real stack on MiniStack: synthesized, bootstrapped and deployed by the real CLI. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { type MiniStack, region } from './ministack.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
/** What its CloudFormation does not know; the test makes these through the service's own API. */
const unknownTypes: readonly string[] = ['AWS::Athena::NamedQuery'];

const resource = z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });
const template = z.looseObject({ Resources: z.record(z.string(), resource) });
const outputs = z.object({
  WarehouseUrl: z.string().regex(/^s3:/),
  FunctionName: z.string(),
  BackfillFunctionName: z.string(),
  BackfillStateMachineArn: z.string(),
  DeadLetterQueueUrl: z.string(),
  SecretsToFill: z.string(),
});

/** What is there after a deployment. */
export interface Deployed {
  readonly outputs: z.output<typeof outputs>;
  /** Resources of unknown types, left out of the deployment, as they stand in the template. */
  readonly leftOut: readonly z.output<typeof resource>[];
}

/**
 * Deploys a stack.
 *
 * @param content of the deployment file
 * @param folder for the cloud assembly
 */
export async function deploy(
  ministack: MiniStack,
  stackName: string,
  content: Readonly<Record<string, unknown>>,
  folder: string,
): Promise<Deployed> {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    CDK_DISABLE_CLI_TELEMETRY: '1',
    CDK_DISABLE_VERSION_CHECK: '1',
    // Takes seconds, and only warns.
    CDK_VALIDATION: 'false',
    ...ministack.environment,
  };
  const cli = async (...args: readonly string[]): Promise<void> => {
    await run(process.execPath, [cdk, ...args], { cwd: root, env });
  };
  const assembly = join(folder, 'assembly');
  const written = join(folder, 'outputs.json');
  const file = join(folder, 'dqsync.deploy.json');
  await writeFile(file, JSON.stringify(content));
  await cli(
    'synth',
    '--quiet',
    '--app',
    `${process.execPath} infra/app.ts`,
    '-c',
    `config=${file}`,
    '--output',
    assembly,
  );
  const leftOut = await leaveOut(join(assembly, `${stackName}.template.json`));
  await cli('bootstrap', '--app', assembly, `aws://000000000000/${region}`);
  await cli('deploy', '--app', assembly, '--require-approval', 'never', '--outputs-file', written);
  const byStack = z.record(z.string(), outputs).parse(JSON.parse(await readFile(written, 'utf8')));
  return { outputs: outputs.parse(byStack[stackName]), leftOut };
}

async function leaveOut(path: string): Promise<Deployed['leftOut']> {
  const document = template.parse(JSON.parse(await readFile(path, 'utf8')));
  const all = Object.entries(document.Resources);
  // An alarm has metrics, in the plural, if it does arithmetic with them, which the emulator's alarms cannot.
  const known = all.filter(([, { Type, Properties }]) => !unknownTypes.includes(Type) && !('Metrics' in Properties));
  await writeFile(path, JSON.stringify({ ...document, Resources: Object.fromEntries(known) }));
  return all.filter(([, { Type }]) => unknownTypes.includes(Type)).map(([, each]) => each);
}
