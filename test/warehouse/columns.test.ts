/** The table of columns, and COLUMNS.md, which is generated from it. */
import { describe, expect, it } from 'vitest';
import {
  type Column,
  executionColumns,
  executionFrom,
  instanceTable,
  observationColumns,
} from '../../functions/warehouse/columns.ts';
import { resultTable } from '../../functions/warehouse/result-table.ts';
import { type ColumnKind, partitionColumns, type TableFacts } from '../../functions/warehouse/table.ts';
import { type TaskRow, taskTable } from '../../functions/warehouse/task-table.ts';
import { anExecution } from '../support/builders.ts';

const documentedTypes: Readonly<Record<ColumnKind, string>> = {
  int64: '64-bit integer',
  text: 'text',
  'timestamp-ms-utc': 'timestamp, UTC, ms',
  boolean: 'boolean',
};

function originOf(column: Column): string {
  if (!('wireFields' in column)) {
    return 'dqsync';
  }
  const fields = column.wireFields.map((field) => `\`${field}\``).join(' or ');
  return fields === '' ? 'undocumented fields' : fields;
}

function documentOf(): string {
  const rows = [
    ...observationColumns.map((column) => [
      `\`${column.name}\``,
      documentedTypes[column.kind],
      column.nullable ? 'yes' : 'no',
      originOf(column),
      column.description,
    ]),
    ...partitionColumns.map((name) => [
      `\`${name}\``,
      'text',
      'no',
      'partition',
      instanceTable.partitionDescriptions[name],
    ]),
  ];
  return `# Columns of quality_instance_observations

Generated from [columns.ts](columns.ts) by \`npx vitest run test/warehouse/columns.test.ts -u\`. Do not edit.

| column | type | nullable | filled from | description |
| --- | --- | --- | --- | --- |
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
${[taskTable, resultTable].map(sectionOf).join('')}`;
}

/** Returns the section of a table whose rows come from other calls of the source. */
function sectionOf({ name, columns, partitionDescriptions }: TableFacts): string {
  const rows = [
    ...columns.map((column) => [
      `\`${column.name}\``,
      documentedTypes[column.kind],
      column.nullable ? 'yes' : 'no',
      column.description,
    ]),
    ...partitionColumns.map((column) => [`\`${column}\``, 'text', 'no', partitionDescriptions[column]]),
  ];
  return `
# Columns of ${name}

| column | type | nullable | description |
| --- | --- | --- | --- |
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

it('COLUMNS.md matches the table of columns', async () => {
  await expect(documentOf()).toMatchFileSnapshot('../../functions/warehouse/COLUMNS.md');
});

describe('the table of tasks', () => {
  const origin = { workspace: 'w', projectId: 'p', observedAtMs: 1, runId: 'r', deletedAtMs: null };
  const task: TaskRow['task'] = {
    type: 'QUALITY_TASK',
    ...{ id: 1n, name: 'n', categoryId: 2n, scheduleStatus: 'ss', schedulePeriod: 'sp' },
    ...{ scheduleInterval: 'si', createTimeMs: 3, lastRunTimeMs: 4, creator: 'c', extra: 'te' },
    ...{ description: 'd', level: 'MINOR', alarmCondition: 'ta' },
  };
  const rule = {
    ...{ id: 5n, part: 6, position: 'rp', name: 'rn', type: 'rt', templateId: 7n, dimension: 'rd', connection: 'rc' },
    ...{ connectionType: 'rct', databases: 'rdb', tables: 'rtb', columns: 'rco', sql: 'rs', alarmCondition: 'ra' },
    ...{ weight: 8n, level: 'FATAL', extra: 're' },
  };

  it.each([
    ['a task', null, [1n, 'QUALITY_TASK', 'n', ...Array<null>(13).fill(null), 'ta', null, 'MINOR']],
    [
      'a rule',
      rule,
      [1n, 'QUALITY_TASK', 'n', 5n, 6n, 'rp', 'rn', 'rt', 7n, 'rd', 'rc', 'rct', 'rdb', 'rtb', 'rco', 'rs', 'ra', 8n],
    ],
  ])('shows the properties of %s in their columns', (_, shown, expected) => {
    const values = taskTable.columns.map((column) => column.read({ ...origin, task, rule: shown }));
    expect(values.slice(0, expected.length)).toEqual(expected);
    const ofTask = [2n, 'ss', 'sp', 'si', 3, 4, 'c', 'd', null, 'te'];
    const ofRule = [...Array<null>(9).fill(null), 're'];
    expect(values.slice(19, 29)).toEqual(shown === null ? ofTask : ofRule);
    expect(values[18]).toBe(shown === null ? 'MINOR' : 'FATAL');
  });
});

describe('an execution', () => {
  it('is built from one value per column', () => {
    const execution = anExecution({ endTimeMs: null, extra: '{"a":1}' });
    expect(executionFrom((column) => column.read(execution))).toEqual(execution);
  });

  it.each(executionColumns.map(({ property }) => property))('is refused if %s has another type', (property) => {
    const execution = anExecution({ extra: '{"a":1}' });
    expect(() => executionFrom((column) => (column.property === property ? true : column.read(execution)))).toThrow(
      /values of other types/,
    );
  });

  it('is refused without an id or a start time', () => {
    for (const required of ['id', 'startTimeMs']) {
      const execution = anExecution();
      expect(() => executionFrom((column) => (column.property === required ? null : column.read(execution)))).toThrow(
        /values of other types/,
      );
    }
  });
});
