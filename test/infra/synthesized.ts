/** Synthesizes the stack of a config. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect } from 'vitest';
import { parseDeployment } from '../../infra/deployment.ts';
import { DqsyncStack } from '../../infra/stack.ts';

/** Returns a valid config with changed keys. */
export function aConfig(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
    targets: [aTarget()],
    initialFrom: '2026-01-01T00:00:00Z',
    ...changes,
  };
}

/** Returns a valid target with changed keys. */
export function aTarget(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    name: 'sales',
    projectId: '0b1c52fa6e8d4f7a9c3e0d5b7a164c28',
    workspace: '9f2e71d04c8b4be5a6d31f0c58e7b924',
    credentials: 'secretsmanager:dataarts/sales',
    ...changes,
  };
}

/** The folder of synthesized apps. It stays until the process ends, because tests of a file share templates. */
const assemblies = mkdtempSync(join(tmpdir(), 'dqsync-cdk-'));
process.once('exit', () => rmSync(assemblies, { recursive: true, force: true }));

/**
 * Makes the stack in a new app, without bundling and without CDK's validation of templates, which only warns. Each takes
 * seconds, and test/e2e/synth.e2e.test.ts runs both.
 */
export function aStack(
  config: Readonly<Record<string, unknown>> = aConfig(),
  deployment: Readonly<Record<string, unknown>> = {},
): DqsyncStack {
  const outdir = mkdtempSync(join(assemblies, 'stack-'));
  const app = new App({
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:bundling-stacks': [] },
  });
  const parsed = parseDeployment({ config, deployment });
  return new DqsyncStack(app, parsed.stackName, { deployment: parsed });
}

const templates = new Map<string, Template>();

/** Returns the template of `aStack`, synthesized once per test file, because that takes half a second. */
export function aTemplate(...args: Parameters<typeof aStack>): Template {
  const key = JSON.stringify(args);
  const template = templates.get(key) ?? Template.fromStack(aStack(...args));
  templates.set(key, template);
  return template;
}

/** Expects a resource of the type with these properties, others besides. */
export function expectResource(template: Template, type: string, properties: Readonly<Record<string, unknown>>): void {
  expect(() => template.hasResourceProperties(type, properties)).not.toThrow();
}

/** Returns the number of resources of the type. */
export function countOf(template: Template, type: string): number {
  return Object.keys(template.findResources(type)).length;
}
