/** Conventions of the whole repository. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../functions/config.ts';
import { errorKinds } from '../functions/errors.ts';
import { viewSql } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { columnNames } from '../functions/warehouse/table.ts';
import packageJson from '../package.json' with { type: 'json' };

const root = new URL('../', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8');
// Listed by git, because a clone may contain files of its user.
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
const documents: ReadonlyMap<string, string> = new Map(
  tracked.filter((name) => name.endsWith('.md')).map((name) => [name, read(name)]),
);

/** Whether a relative link of a document leads to a file, and to an existing heading if it has an anchor. */
function isThere(link: string, document: string): boolean {
  const url = new URL(link, new URL(document, root));
  const anchor = url.hash.slice(1);
  url.hash = '';
  return existsSync(url) && (anchor === '' || anchorsOf(readFileSync(url, 'utf8')).includes(anchor));
}

/** Returns GitHub's anchors of the headings of a document. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

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

  it('requires the Node that its launcher and the README name for an installed package', () => {
    const [, version = '?'] = /isClone \? \[24, 0\] : \[(\d+, \d+)\]/.exec(read('functions/cli/dqsync.js')) ?? [];
    const needed = version.replace(', ', '.');
    expect(packageJson.engines.node).toBe(`>=${needed}`);
    expect(read('README.md')).toContain(`dqsync-${packageJson.version}.tgz\` (Node ${needed} or later)`);
  });

  it('has a section in the changelog for its version, and the license that it names', () => {
    expect(read('CHANGELOG.md')).toContain(`\n## ${packageJson.version}\n`);
    expect(packageJson.license).toBe('Apache-2.0');
    expect(read('LICENSE')).toMatch(/Apache License\s+Version 2\.0, January 2004/);
  });
});

describe('the language', () => {
  // Words without a meaning in this field, and idioms that are hard to understand. Each has a plain counterpart.
  const retired = [
    'affair',
    'all the same',
    'anew',
    'as (it|they) came',
    'asking again',
    'at once',
    'benevolent',
    'but for',
    'calm',
    'came of it',
    'draft',
    'evidence',
    'for ever',
    'for good',
    'given up',
    'go(es|ing)? on',
    'goes by',
    'in vain',
    'in words',
    'ladder',
    'mend(s|ed|ing)?',
    'nothing comes of',
    'put aside',
    'rung',
    'says? so',
    'seldom',
    'shall',
    'side by side',
    'sightings?',
    'small letters',
    'surroundings',
    'taken back',
    'that is no',
    '(is|are|be|been|was) told',
    'tells? (apart|that|what|whether)',
    'trait',
    'under way',
    'vouch(es|ed)?',
    'what came',
  ];
  const pattern = new RegExp(`\\b(${retired.join('|')})\\b`, 'i');
  const texts = tracked.filter((path) => /^(functions|infra|test)\/.*\.(ts|js|md)$/.test(path));

  it('uses no retired word or idiom', () => {
    expect(texts.length).toBeGreaterThan(300);
    const found = texts.flatMap((path) => {
      const [word] = path === 'test/conventions.test.ts' ? [] : (pattern.exec(read(path)) ?? []);
      return word === undefined ? [] : [`${path}: ${word}`];
    });
    expect(found).toEqual([]);
  });
});

describe('the documents', () => {
  it('name only npm scripts, commands and options that exist', () => {
    const text = [...documents.values()].join('\n');
    const scripts = [...text.matchAll(/npm run (\w+)/g)].map(([, name]) => name ?? '');
    expect(scripts.length).toBeGreaterThan(2);
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
    const known =
      readdirSync(new URL('../functions/cli/', import.meta.url))
        .filter((name) => /command.*\.ts$/.test(name))
        .map((name) => read(`functions/cli/${name}`))
        .join('\n') + read('functions/filters.ts');
    const commands = [...text.matchAll(/(?:npx |`|^ *)dqsync ([a-z]+)/gm)].map(([, name]) => name ?? '');
    expect(commands.length).toBeGreaterThan(4);
    expect(commands.filter((name) => !known.includes(`'${name}`))).toEqual([]);
    const options = [...text.matchAll(/(?:npx |`|^ *)dqsync [^`\n#]*/gm)].flatMap(
      ([line]) => line.match(/--[a-z-]+/g) ?? [],
    );
    expect(options.length).toBeGreaterThan(4);
    expect(options.filter((name) => name !== '--help' && !known.includes(`'${name}`))).toEqual([]);
  });

  it.each([...documents])('link only to files and headings that exist: %s', (name, text) => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? '');
    const broken = links.filter((link) => !link.startsWith('https://') && !isThere(link, name));
    expect(broken).toEqual([]);
  });

  it.each([...documents])('name only tests that exist: %s', (_, text) => {
    const paths = [...text.matchAll(/`((?:test|infra)\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });
});

describe('the README', () => {
  const readme = documents.get('README.md') ?? '';

  it('has at most 180 lines', () => {
    expect(readme.split('\n').length).toBeLessThan(181);
  });

  it('shows a config that is valid except for its elided ids, and explains every key', () => {
    const block = /```jsonc\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const text = block.replaceAll('…', '').replace(/\s\/\/ .*$/gm, '');
    const config = parseConfig(JSON.parse(text), 'README');
    expect(config.targets).toHaveLength(1);
    const keys = Object.keys(config).filter((key) => key !== 'targets' && key !== 'source');
    const ofSource = Object.keys(config.source).map((key) => `source.${key}`);
    expect([...keys, ...ofSource].filter((key) => !readme.includes(`\`${key}\``))).toEqual([]);
  });
});

describe('the page about the warehouse', () => {
  it('explains every column in the order of the view', () => {
    const text = documents.get('functions/warehouse/README.md') ?? '';
    const columns = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(columns).toEqual(columnNames(instanceTable));
  });

  it('shows the view with the columns of the real one', () => {
    const text = documents.get('functions/warehouse/README.md') ?? '';
    const sql = /```sql\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    for (const clause of [/PARTITION BY [\w, ]+/, /ORDER BY [\w ,]+(?=\))/]) {
      const ofView = clause.exec(viewSql('t').replaceAll(/\s+/g, ' ').replaceAll(' )', ')'))?.[0];
      expect(clause.exec(sql.replaceAll(/\s+/g, ' '))?.[0]).toBe(ofView);
    }
  });
});

describe('the code', () => {
  it('has an exit code for every kind of error, and a kind of its own for every error class', () => {
    const source = readFileSync(new URL('functions/errors.ts', root), 'utf8');
    const kinds = [...source.matchAll(/readonly kind = '(\w+)'/g)].map(([, kind]) => kind ?? '');
    expect([...kinds].sort()).toEqual(Object.keys(errorKinds).sort());
  });

  it('tracks only the expected files at the top level', () => {
    const entries = [...new Set(tracked.map((path) => path.split('/')[0] ?? ''))];
    expect(entries).toContain('package.json');
    const allowed = [
      'CHANGELOG.md',
      'LICENSE',
      '.ci',
      '.gitignore',
      'README.md',
      'biome.json',
      'cdk.json',
      'functions',
      'infra',
    ];
    const more = ['package-lock.json', 'package.json', 'test', 'tsconfig.json', 'vitest.config.ts'];
    expect(entries.filter((name) => ![...allowed, ...more].includes(name))).toEqual([]);
  });
});
