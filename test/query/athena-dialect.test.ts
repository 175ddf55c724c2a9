/** The SQL for Athena parses by the grammar of Trino, which is Athena's engine. */
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';
import { describe, expect, it } from 'vitest';
import { allViews } from '../../functions/query/further-views.ts';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { athenaViewSql } from '../../infra/view-definition.ts';

const parser = new TrinoSQL();
const queries = namedQueries({ view: '"dqsync"."quality_instances"', lastDays: 30 });

const views = allViews.map((view) => ({ title: view.name, sql: athenaViewSql('dqsync', view) }));

describe("Trino's grammar", () => {
  it.each([...queries, ...views])('accepts $title', ({ sql }) => {
    expect(parser.validate(sql)).toEqual([]);
  });

  it.each([
    ['an excluded column', 'SELECT * EXCLUDE (id) FROM v'],
    ["DuckDB's casts", 'SELECT id::VARCHAR FROM v'],
    ["DuckDB's lists", "SELECT ['a'] FROM v"],
    ["DuckDB's FROM", 'FROM v'],
    ['a window without its end', 'SELECT row_number() OVER (PARTITION BY dt FROM v'],
  ])('refuses %s, which shows that the test above can fail', (_, sql) => {
    expect(parser.validate(sql)).not.toEqual([]);
  });
});
