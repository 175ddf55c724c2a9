/** PROOF.md names existing tests and all traps. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTraps } from '../simulator/traps.ts';

const root = join(import.meta.dirname, '../..');
const proof = readFileSync(join(root, 'functions/reading/PROOF.md'), 'utf8');
const tests = globSync('test/**/*.test.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));

function rowsOfTable(): string[][] {
  const section = proof.slice(proof.indexOf('## Behaviors'), proof.indexOf('## Not closed'));
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

it('PROOF.md names an existing test for every behavior', () => {
  const rows = rowsOfTable();
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter(([, , , title = '']) => title === '' || !tests.some((text) => text.includes(title)));
  expect(missing.map(([behavior, , , title]) => ({ behavior, title }))).toEqual([]);
});

it('PROOF.md mentions every trap of the simulator', () => {
  const unnamed = Object.keys(makeTraps()).filter((trap) => trap !== 'order' && !proof.includes(`\`${trap}\``));
  expect(unnamed).toEqual([]);
});

it('PROOF.md explains every rule that the code cites', () => {
  const cited = new Set(
    globSync('functions/reading/*.ts', { cwd: root }).flatMap(
      (file) => readFileSync(join(root, file), 'utf8').match(/\bR\d\b/g) ?? [],
    ),
  );
  expect([...cited].filter((rule) => !proof.includes(`| ${rule} `))).toEqual([]);
  expect(cited.size).toBeGreaterThan(4);
});
