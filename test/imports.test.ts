/**
 * The allowed imports between parts of the product, which have one direction: entry points → connect → sync and verify
 * → source, reading, checkpoint, warehouse → model. Type-only and dynamic imports count too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cyclesIn, type Import, importsOf, type SourceTexts } from './support/import-graph.ts';

/** What a part may import besides its own files: files, folders (ending in `/`), and packages. */
interface Allowed {
  readonly parts: readonly string[];
  readonly packages: readonly string[];
}

const model = 'functions/model.ts';
const location = 'functions/warehouse/location.ts';
const filters = 'functions/filters.ts';
const columns = 'functions/warehouse/columns.ts';
const demoSource = 'functions/cli/demo/demo-source.ts';
const bundleOptions = 'functions/lambda/bundle-options.ts';
const buildPage = 'functions/report/build-page.js';
const streaks = 'functions/streaks.ts';
const basics = [model, 'functions/errors.ts', 'functions/intervals.ts'];
const withClock = [...basics, 'functions/clock.ts'];
const withConfig = [...withClock, 'functions/config.ts', filters];
const nearest = 'functions/nearest.ts';
const configProblems = 'functions/config-problems.ts';
const configText = 'functions/config-text.ts';
const aCommand = [
  ...withConfig,
  'functions/cli/terminal/',
  'functions/connect.ts',
  'functions/sync/',
  'functions/time-range.ts',
];

/**
 * The allowed imports by part. A file belongs to the part with the longest key that its path begins with. `packages`
 * are third-party packages, and `node:` stands for those of Node.
 */
const table: Readonly<Record<string, Allowed>> = {
  'functions/model.ts': { parts: [], packages: [] },
  'functions/intervals.ts': { parts: [model], packages: [] },
  'functions/clock.ts': { parts: [model], packages: ['node:'] },
  'functions/errors.ts': { parts: [model, 'functions/clock.ts'], packages: [] },
  [streaks]: { parts: [model], packages: [] },
  [filters]: { parts: [model], packages: [] },
  [nearest]: { parts: [], packages: [] },
  [configProblems]: { parts: [nearest], packages: ['zod'] },
  'functions/config.ts': { parts: [...withClock, filters, configProblems, location], packages: ['zod'] },
  [configText]: { parts: ['functions/errors.ts', configProblems], packages: ['jsonc-parser'] },
  'functions/metrics.ts': {
    parts: ['functions/sync/counters.ts', 'functions/sync/outcomes/outcome-changes.ts'],
    packages: [],
  },
  'functions/time-range.ts': { parts: withClock, packages: [] },
  // Connections to other machines: proxies, and faults of the network.
  'functions/network/': { parts: ['functions/clock.ts', 'functions/errors.ts'], packages: ['node:'] },
  // HTTP, without storage.
  'functions/source/': {
    parts: [...withConfig, columns, 'functions/network/', 'functions/time-range.ts', 'package.json'],
    packages: ['node:', '@aws-sdk/client-secrets-manager', 'undici', 'zod'],
  },
  // Pure functions of `fetchPage`, without clock, network or files.
  'functions/reading/': { parts: basics, packages: [] },
  // Plain data about the columns, for every part that handles them.
  [columns]: {
    parts: [model, 'functions/errors.ts', 'functions/warehouse/layout.ts', 'functions/warehouse/table.ts'],
    packages: [],
  },
  'functions/warehouse/': {
    parts: [...withClock, columns, 'functions/network/'],
    packages: [
      'node:',
      '@aws-sdk/client-s3',
      '@smithy/signature-v4',
      'apache-arrow',
      'fs-native-extensions',
      'parquetjs-lite',
    ],
  },
  // Uses a `Store` by its interface.
  'functions/checkpoint/': { parts: [...basics, 'functions/warehouse/'], packages: ['zod'] },
  // Gets its source and its store as arguments.
  'functions/sync/': {
    parts: [
      ...withConfig,
      'functions/time-range.ts',
      streaks,
      nearest,
      'functions/source/',
      'functions/reading/',
      'functions/checkpoint/',
      'functions/compaction/',
      'functions/warehouse/',
    ],
    packages: [],
  },
  'functions/verify/': {
    parts: [
      ...withConfig,
      'functions/source/',
      'functions/reading/',
      'functions/checkpoint/',
      'functions/warehouse/',
      'functions/sync/',
    ],
    packages: [],
  },
  // Loaded only for compactions, because it includes a reader of Parquet.
  'functions/compaction/': {
    parts: [...withClock, 'functions/warehouse/'],
    packages: ['node:', 'apache-arrow', 'hyparquet'],
  },
  // SQL over the warehouse.
  'functions/query/': { parts: [...withClock, 'functions/warehouse/'], packages: ['node:', '@duckdb/node-api'] },
  // The page of `dqsync report`. Code for the browser imports only types of data from here, and nothing of Node.
  'functions/report/': {
    parts: [
      ...withConfig,
      streaks,
      'functions/checkpoint/',
      'functions/query/',
      'functions/sync/',
      'functions/warehouse/',
      buildPage,
    ],
    packages: ['node:'],
  },
  'functions/report/page/': { parts: ['functions/report/'], packages: ['@observablehq/plot'] },
  // Runs in the repository when the package is built.
  [buildPage]: { parts: [], packages: ['node:', 'esbuild'] },
  'functions/cli/build.js': { parts: [buildPage], packages: ['node:', 'esbuild'] },
  'functions/connect.ts': {
    parts: [...withConfig, 'functions/network/', 'functions/source/', 'functions/sync/', 'functions/warehouse/'],
    packages: [],
  },
  // Used when a function is built, never by it.
  [bundleOptions]: { parts: [], packages: ['node:', 'esbuild'] },
  // Loads neither the CLI nor DuckDB.
  'functions/lambda/': {
    parts: [
      ...withConfig,
      'functions/connect.ts',
      'functions/metrics.ts',
      'functions/network/',
      'functions/sync/',
      'functions/time-range.ts',
    ],
    packages: [
      '@aws-lambda-powertools/logger',
      '@aws-lambda-powertools/metrics',
      '@aws-sdk/client-eventbridge',
      'aws-lambda',
      'zod',
    ],
  },
  // A separate Lambda function.
  'functions/lambda/report/': {
    parts: [
      ...withConfig,
      'functions/connect.ts',
      'functions/lambda/',
      'functions/report/',
      'functions/sync/',
      'functions/warehouse/',
      buildPage,
    ],
    packages: ['node:', '@aws-lambda-powertools/logger', 'aws-lambda', 'esbuild'],
  },
  'functions/cli/': {
    parts: ['functions/cli/', 'functions/errors.ts', filters, nearest, 'functions/time-range.ts', 'package.json'],
    packages: ['node:', 'commander'],
  },
  'functions/cli/terminal/': {
    parts: [
      ...withConfig,
      configText,
      'functions/connect.ts',
      'functions/source/',
      'functions/sync/',
      'functions/time-range.ts',
      'functions/warehouse/file-errors.ts',
    ],
    packages: ['node:', 'cli-progress', 'picocolors', 'fast-string-width', 'zod'],
  },
  'functions/cli/sync/': { parts: aCommand, packages: [] },
  'functions/cli/backfill/': {
    parts: [...aCommand, 'functions/checkpoint/', 'functions/network/', 'functions/warehouse/'],
    packages: ['@aws-sdk/client-cloudformation', '@aws-sdk/client-sfn'],
  },
  'functions/cli/verify/': {
    parts: [...aCommand, 'functions/query/', 'functions/verify/', 'functions/warehouse/'],
    packages: [],
  },
  'functions/cli/compact/': { parts: [...aCommand, 'functions/compaction/'], packages: [] },
  'functions/cli/rewind/': { parts: aCommand, packages: [] },
  'functions/cli/completion/': { parts: [], packages: ['commander'] },
  'functions/cli/runs/': { parts: [...aCommand, 'functions/checkpoint/'], packages: [] },
  'functions/cli/quarantine/': { parts: [...aCommand, 'functions/warehouse/'], packages: [] },
  'functions/cli/status/': { parts: [...aCommand, 'functions/checkpoint/', 'functions/warehouse/'], packages: [] },
  'functions/cli/doctor/': {
    parts: [...aCommand, 'functions/checkpoint/', 'functions/cli/status/', 'functions/source/', 'functions/warehouse/'],
    packages: [],
  },
  'functions/cli/smoke/': {
    parts: [
      ...aCommand,
      'functions/cli/backfill/',
      'functions/cli/doctor/',
      'functions/network/',
      'functions/source/',
      'functions/warehouse/',
    ],
    packages: ['@aws-sdk/client-cloudformation', '@smithy/signature-v4', 'zod'],
  },
  'functions/cli/init/': {
    parts: [...aCommand, configText, 'functions/cli/doctor/', 'functions/warehouse/folders.ts', location],
    packages: ['node:'],
  },
  'functions/cli/list/': { parts: [...aCommand, nearest, columns, 'functions/source/'], packages: [] },
  'functions/cli/query/': { parts: [...aCommand, 'functions/query/', 'functions/warehouse/'], packages: ['node:'] },
  'functions/cli/explain/': { parts: [...aCommand, 'functions/query/', 'functions/warehouse/'], packages: [] },
  'functions/cli/changes/': {
    parts: [...aCommand, 'functions/query/', 'functions/report/', 'functions/warehouse/'],
    packages: [],
  },
  'functions/cli/report/': {
    parts: [...aCommand, 'functions/query/', 'functions/report/', 'functions/warehouse/'],
    packages: ['node:'],
  },
  'functions/cli/demo/': {
    parts: [
      ...withClock,
      'functions/cli/query/',
      'functions/cli/report/',
      'functions/cli/sync/',
      'functions/cli/terminal/',
      'functions/cli/verify/',
      'functions/warehouse/folders.ts',
      demoSource,
    ],
    packages: ['node:'],
  },
  // The only part of the product that loads the simulator, for the demo.
  [demoSource]: { parts: [model, 'functions/cli/demo/', 'test/simulator/'], packages: [] },
  // Imports the contract of functions (config, schema, layout, SQL, names), but no client.
  'infra/': {
    parts: [
      'functions/clock.ts',
      'functions/config.ts',
      configProblems,
      configText,
      'functions/errors.ts',
      'functions/metrics.ts',
      bundleOptions,
      'functions/lambda/environment.ts',
      'functions/query/named-queries.ts',
      'functions/query/further-views.ts',
      'functions/query/view.ts',
      columns,
      'functions/warehouse/layout.ts',
      location,
      'functions/warehouse/table.ts',
    ],
    packages: ['node:', 'aws-cdk-lib', 'constructs', 'zod'],
  },
};

/** Two types that refer to each other. */
const knownCycles = [
  'functions/reading/page-source.ts → functions/reading/source-profile.ts → functions/reading/page-source.ts',
];

const root = new URL('../', import.meta.url);
const imports = importsOf(sourceTexts());

describe('the import table', () => {
  it('allows every import of the product', () => {
    expect(imports.length).toBeGreaterThan(700);
    expect(violations(imports)).toEqual([]);
  });

  it('lists nothing that its part does not import', () => {
    const used = new Set(imports.map(({ from, to }) => `${partOf(from)} ${packageOf(to) ?? partOf(to) ?? to}`));
    const packages = Object.entries(table).flatMap(([part, allowed]) =>
      allowed.packages.map((name) => `${part} ${name}`),
    );
    expect(packages.filter((entry) => !used.has(entry))).toEqual([]);
    expect(
      Object.keys(table).filter((part) => !imports.some(({ from, to }) => [from, to].map(partOf).includes(part))),
    ).toEqual([]);
  });

  it.each([
    ['functions/warehouse/layout.ts', 'functions/sync/run.ts'],
    ['functions/reading/cuts.ts', 'functions/clock.ts'],
    ['functions/reading/cuts.ts', 'node:fs'],
    ['functions/sync/run.ts', 'functions/verify/verify-days.ts'],
    ['functions/sync/run.ts', 'undici'],
    ['functions/source/client.ts', 'functions/warehouse/store.ts'],
    ['functions/lambda/handler.ts', 'functions/query/duckdb.ts'],
    ['functions/lambda/handler.ts', 'functions/report/make-report.ts'],
    ['functions/cli/list/list-command.ts', 'functions/cli/sync/sync-command.ts'],
    ['functions/cli/terminal/table.ts', 'functions/cli/main.ts'],
    ['functions/cli/demo/demo-command.ts', 'test/simulator/server.ts'],
    ['functions/cli/sync/sync-command.ts', 'commander'],
    ['functions/connect.ts', 'functions/lambda/handler.ts'],
    ['functions/model.ts', 'functions/errors.ts'],
    ['infra/stack.ts', 'functions/warehouse/s3-store.ts'],
    ['infra/stack.ts', '@aws-sdk/client-s3'],
    ['functions/nowhere/new.ts', 'functions/model.ts'],
  ])('does not allow %s to import %s', (from, to) => {
    expect(violations([{ from, to }])).toEqual([`${from} imports ${to}`]);
  });
});

describe('the imports of the product', () => {
  it('are all found: values, types, dynamic imports, and re-exports', () => {
    const text = `
      import a from './a.ts';
      import type { B } from '../b.ts';
      import './c.ts';
      export { d } from './d.ts';
      export type { E } from './e.ts';
      type F = import('./f.ts').F;
      const g = await import('./g.ts');
      import { join } from 'node:path';`;
    expect(importsOf({ 'functions/x/y.ts': text }).map(({ to }) => to)).toEqual([
      'functions/x/a.ts',
      'functions/b.ts',
      'functions/x/c.ts',
      'functions/x/d.ts',
      'functions/x/e.ts',
      'node:path',
      'functions/x/f.ts',
      'functions/x/g.ts',
    ]);
  });

  it('contain no cycle, including type imports', () => {
    expect(cyclesIn(imports).filter((cycle) => !knownCycles.includes(cycle))).toEqual([]);
  });

  it('are reported if they close a cycle', () => {
    const texts = {
      'a.ts': "import type { B } from './b.ts';",
      'b.ts': "import { c } from './c.ts'; import './d.ts';",
      'c.ts': "const a = await import('./a.ts');",
      'd.ts': '',
    };
    expect(cyclesIn(importsOf(texts))).toEqual(['a.ts → b.ts → c.ts → a.ts']);
  });
});

function sourceTexts(): SourceTexts {
  const paths = ['functions', 'infra'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const sources = paths.filter((path) => /(?<!\.d)\.ts$|\.js$/.test(path));
  return Object.fromEntries(sources.map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}

function violations(all: readonly Import[]): string[] {
  return all.filter((one) => !isAllowed(one)).map(({ from, to }) => `${from} imports ${to}`);
}

function isAllowed({ from, to }: Import): boolean {
  const part = partOf(from);
  const allowed = part === null ? undefined : table[part];
  if (part === null || allowed === undefined) {
    return false;
  }
  const name = packageOf(to);
  if (name !== null) {
    return allowed.packages.includes(name);
  }
  return partOf(to) === part || allowed.parts.some((target) => isIn(to, target));
}

/** Returns the table's key for a file; null if there is none. */
function partOf(path: string): string | null {
  const parts = Object.keys(table).filter((part) => isIn(path, part));
  return parts.sort((a, b) => b.length - a.length)[0] ?? null;
}

function isIn(path: string, part: string): boolean {
  return part.endsWith('/') ? path.startsWith(part) : path === part;
}

/** Returns `@scope/name`, `name` or `node:`; null for a file of the repository. */
function packageOf(to: string): string | null {
  if (/^(functions|infra|test)\/|^package\.json$/.test(to)) {
    return null;
  }
  return /^node:|^(@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to;
}
