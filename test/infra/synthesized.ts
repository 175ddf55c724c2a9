/** The stack as CloudFormation gets it, from a config as one writes it in a deployment file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect } from 'vitest';
import { parseDeployment } from '../../infra/deployment.ts';
import { DqsyncStack } from '../../infra/stack.ts';

/** A valid config; `changes` replace its keys. */
export function aConfig(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
    targets: [aTarget()],
    initialFrom: '2026-01-01T00:00:00Z',
    ...changes,
  };
}

/** A valid target; `changes` replace its keys. */
export function aTarget(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    name: 'sales',
    projectId: '0b1c52fa6e8d4f7a9c3e0d5b7a164c28',
    workspace: '9f2e71d04c8b4be5a6d31f0c58e7b924',
    credentials: 'secretsmanager:dataarts/sales',
    ...changes,
  };
}

/** Where apps write what they synthesize. Tests of a file share templates, so it stays until the process ends. */
const assemblies = mkdtempSync(join(tmpdir(), 'dqsync-cdk-'));
process.once('exit', () => rmSync(assemblies, { recursive: true, force: true }));

/** The stack in an app of its own, not bundled: that takes seconds, and has a test of its own. */
export function aStack(
  config: Readonly<Record<string, unknown>> = aConfig(),
  deployment: Readonly<Record<string, unknown>> = {},
): DqsyncStack {
  const outdir = mkdtempSync(join(assemblies, 'stack-'));
  const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:bundling-stacks': [] } });
  const parsed = parseDeployment({ config, deployment });
  return new DqsyncStack(app, parsed.stackName, { deployment: parsed });
}

const templates = new Map<string, Template>();

/** The template of `aStack`, synthesized once in a file: that takes half a second. */
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

/** How many resources of the type there are. */
export function countOf(template: Template, type: string): number {
  return Object.keys(template.findResources(type)).length;
}
