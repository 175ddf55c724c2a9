/** What holds for the repository as a whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../functions/config.ts';
import { errorKinds } from '../functions/errors.ts';
import { observationColumns, partitionColumns } from '../functions/warehouse/columns.ts';
import packageJson from '../package.json' with { type: 'json' };

const root = new URL('../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

describe('package.json', () => {
  it('pins every dependency exactly', () => {
    const versions = Object.values({ ...packageJson.dependencies, ...packageJson.devDependencies });
    expect(versions.length).toBeGreaterThan(20);
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('names Node 24, and allows only the install scripts it needs', () => {
    expect(packageJson.devDependencies.node).toMatch(/^24\./);
    expect(Object.keys(packageJson.allowScripts).sort()).toEqual(['esbuild', 'node']);
  });
});

describe('the README', () => {
  it('tells every npm script and every command that it names as they are', () => {
    const scripts = [...readme.matchAll(/npm run (\w+)/g)].map(([, name]) => name ?? '');
    expect(scripts.length).toBeGreaterThan(2);
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
    const commands = [...readme.matchAll(/npx dqsync (\w+)/g)].map(([, name]) => name ?? '');
    const known = readFileSync(new URL('functions/cli/commands.ts', root), 'utf8');
    expect(commands.length).toBeGreaterThan(4);
    expect(commands.filter((name) => !known.includes(`'${name}`))).toEqual([]);
  });

  it('lists every column', () => {
    const missing = [...observationColumns.map((column) => column.name), ...partitionColumns].filter(
      (name) => !readme.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });

  it('shows a config that is valid but for its elided ids', () => {
    const block = /```jsonc\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const text = block.replaceAll('…', '').replace(/\s\/\/ .*$/gm, '');
    expect(parseConfig(JSON.parse(text), 'README').targets).toHaveLength(1);
  });

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, path]) => path ?? '')
      .filter((path) => !path.startsWith('http'));
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) {
      expect(readFileSync(new URL(link, root), 'utf8').length).toBeGreaterThan(0);
    }
  });
});

describe('the code', () => {
  it('has an exit code for every kind of error, and a kind of its own for every error class', () => {
    const source = readFileSync(new URL('functions/errors.ts', root), 'utf8');
    const kinds = [...source.matchAll(/readonly kind = '(\w+)'/g)].map(([, kind]) => kind ?? '');
    expect([...kinds].sort()).toEqual(Object.keys(errorKinds).sort());
  });

  it('keeps the top level as it is meant to be', () => {
    const entries = readdirSync(root).filter((name) => !['.git', 'node_modules', '.dqsync', 'cdk.out'].includes(name));
    const allowed = ['.ci', '.gitignore', 'README.md', 'biome.json', 'cdk.json', 'functions', 'infra'];
    const more = ['package-lock.json', 'package.json', 'test', 'tsconfig.json', 'vitest.config.ts'];
    expect(entries.filter((name) => ![...allowed, ...more].includes(name))).toEqual([]);
  });
});
