import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { allViews } from '../../functions/query/further-views.ts';
import { instanceView } from '../../functions/query/view.ts';
import { observationColumns } from '../../functions/warehouse/columns.ts';
import { athenaViewSql } from '../../infra/view-definition.ts';
import { syncedSource } from '../support/synced-source.ts';
import { opened } from '../support/warehouse-sql.ts';
import { aConfig, aTarget, aTemplate, countOf, expectResource } from './synthesized.ts';

const column = z.object({ Name: z.string(), Type: z.string() });
const tableInput = z.object({
  Name: z.string(),
  Description: z.string(),
  TableType: z.string(),
  Parameters: z.record(z.string(), z.unknown()),
  PartitionKeys: z.array(column),
  StorageDescriptor: z.looseObject({ Columns: z.array(column), SerdeInfo: z.looseObject({}) }),
  ViewOriginalText: z.string().optional(),
  ViewExpandedText: z.string().optional(),
});
const table = z.object({ Properties: z.object({ DatabaseName: z.string(), TableInput: tableInput }) });

/** Returns the Glue table with a name. */
function glueTable(name: string, template = aTemplate()) {
  const tables = Object.values(template.findResources('AWS::Glue::Table')).map((each) => table.parse(each).Properties);
  const found = tables.find(({ TableInput }) => TableInput.Name === name);
  expect(found).toBeDefined();
  return found!.TableInput;
}

const spelled = (columns: readonly z.output<typeof column>[]) => columns.map(({ Name, Type }) => `${Name} ${Type}`);
const fileColumns = [
  ...['id bigint', 'name string', 'task_id bigint', 'task_type string', 'run_status string', 'notify_status string'],
  ...['start_time timestamp', 'end_time timestamp', 'project_id string', 'observed_at timestamp', 'run_id string'],
  'extra string',
];

describe('the table', () => {
  it('has the columns of the files, and partition keys of the path', () => {
    const { StorageDescriptor, PartitionKeys } = glueTable('quality_instance_observations');
    expect(spelled(StorageDescriptor.Columns)).toEqual(fileColumns);
    expect(fileColumns).toHaveLength(observationColumns.length);
    expect(spelled(PartitionKeys)).toEqual(['workspace string', 'dt string']);
    expect(StorageDescriptor).toMatchObject({
      Location: { 'Fn::Join': ['', ['s3://', { Ref: 'WarehouseBucket56A35794' }, '/quality_instance_observations/']] },
      InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
      SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
    });
  });

  it('projects its partitions: the configured workspaces, and the days from that of initialFrom to tomorrow', () => {
    const config = aConfig({
      targets: [aTarget(), aTarget({ name: 'b' }), aTarget({ name: 'c', workspace: 'w2' })],
      initialFrom: '2026-01-01T12:00:00Z',
    });
    const { Parameters } = glueTable('quality_instance_observations', aTemplate(config, { otherWorkspaces: ['old'] }));
    expect(Parameters).toMatchObject({
      EXTERNAL: 'TRUE',
      classification: 'parquet',
      'projection.enabled': 'true',
      'projection.workspace.type': 'enum',
      'projection.workspace.values': '9f2e71d04c8b4be5a6d31f0c58e7b924,w2,old',
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': '2026-01-01,NOW+1DAYS',
      'storage.location.template': {
        'Fn::Join': [
          '',
          [
            's3://',
            { Ref: 'WarehouseBucket56A35794' },
            // biome-ignore lint/suspicious/noTemplateCurlyInString: Athena's own placeholders.
            '/quality_instance_observations/workspace=${workspace}/dt=${dt}/',
          ],
        ],
      },
    });
  });

  it('begins with the first day that the first window can contain, in the time zone of dt', () => {
    const firstDay = (changes: Record<string, unknown>) => {
      const template = aTemplate(aConfig(changes), { firstDay: '2026-06-01' });
      return glueTable('quality_instance_observations', template).Parameters['projection.dt.range'];
    };
    // A window is widened by 1 ms at each end.
    expect(firstDay({ initialFrom: '2026-01-01T00:00:00Z' })).toBe('2025-12-31,NOW+1DAYS');
    expect(firstDay({ initialFrom: '2025-12-31T20:00:00Z', partitionTimeZone: 'Asia/Shanghai' })).toBe(
      '2026-01-01,NOW+1DAYS',
    );
    expect(firstDay({ initialFrom: '2026-07-01T00:00:00Z' })).toBe('2026-06-01,NOW+1DAYS');
  });
});

describe('the view', () => {
  const view = glueTable('quality_instances');
  const encoded = /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/.exec(view.ViewOriginalText ?? '')?.[1] ?? '';
  const definition: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));

  it('has the format that Athena recognizes', () => {
    expect(view).toMatchObject({
      // Trino's GlueConverter overwrites the comment with it.
      Description: 'Presto View',
      TableType: 'VIRTUAL_VIEW',
      Parameters: { presto_view: 'true', comment: 'Presto View' },
      PartitionKeys: [],
      ViewExpandedText: '/* Presto View */',
    });
    expect(spelled(view.StorageDescriptor.Columns)).toEqual([...fileColumns, 'workspace string', 'dt string']);
  });

  it("has the same SQL in Trino's dialect, without CDK tokens", () => {
    expect(definition).toEqual({
      originalSql: athenaViewSql('dqsync', instanceView),
      catalog: 'awsdatacatalog',
      schema: 'dqsync',
      columns: [...fileColumns, 'workspace string', 'dt string'].map((text) => {
        const [name, type] = text.split(' ');
        return { name, type: type === 'string' ? 'varchar' : type === 'timestamp' ? 'timestamp(3)' : type };
      }),
      runAsInvoker: false,
      path: [],
    });
    expect(JSON.stringify(definition)).not.toMatch(/TOKEN|\$\{/);
  });
});

describe('the tables and views', () => {
  it.each([
    ['quality_task_observations', 'task_id bigint', 'run_id string'],
    ['quality_rule_results', 'instance_id bigint', 'extra string'],
  ])('include %s, over its own files', (name, first, last) => {
    const { StorageDescriptor, Parameters } = glueTable(name);
    const columns = spelled(StorageDescriptor.Columns);
    expect([columns[0], columns.at(-1)]).toEqual([first, last]);
    expect(JSON.stringify(StorageDescriptor)).toContain(`/${name}/`);
    expect(JSON.stringify(Parameters['storage.location.template'])).toContain(`/${name}/workspace=`);
  });

  it.each(allViews.map((view) => [view.name, view] as const))(
    'include the view %s, which returns the same as that of the CLI for real files',
    async (name, view) => {
      const glue = glueTable(name);
      const encoded = /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/.exec(glue.ViewOriginalText ?? '')?.[1] ?? '';
      const definition = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
      expect(definition.columns.map((column: { name: string }) => column.name)).toEqual(
        view.columns.map((column) => column.name),
      );
      expect(JSON.stringify(definition)).not.toMatch(/TOKEN|\$\{/);
      const world = await syncedSource({ history: { days: 1, tasks: 16 } });
      await world.syncWell({ results: 'spare', tasks: true });
      const sql = await opened(world.store);
      const athena = `(${definition.originalSql.replaceAll('"dqsync".', '"main".')})`;
      const cli = `SELECT * FROM ${name}`;
      expect((await sql.run(cli)).rows.length).toBeGreaterThan(0);
      expect((await sql.run(`(${athena} EXCEPT ${cli}) UNION ALL (${cli} EXCEPT ${athena})`)).rows).toEqual([]);
    },
  );
});

describe('the workgroup', () => {
  it('encrypts results, stores them outside of the data, and cancels queries that scan too much', () => {
    expectResource(aTemplate(aConfig(), { queryScanLimitGb: 2 }), 'AWS::Athena::WorkGroup', {
      Name: 'dqsync',
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        BytesScannedCutoffPerQuery: 2_000_000_000,
        ResultConfiguration: {
          EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
          OutputLocation: { 'Fn::Join': ['', ['s3://', { Ref: 'WarehouseBucket56A35794' }, '/athena-results/']] },
        },
      },
    });
  });

  it('has every named query', () => {
    const template = aTemplate();
    expect(countOf(template, 'AWS::Athena::NamedQuery')).toBe(11);
    const place = { WorkGroup: 'dqsync', Database: 'dqsync' };
    expect(() => template.allResourcesProperties('AWS::Athena::NamedQuery', place)).not.toThrow();
  });
});

it('Glue and Athena resources are absent if the deployment has no catalog', () => {
  const types = Object.values(aTemplate(aConfig(), { catalog: false }).toJSON()['Resources']).map((resource) =>
    String(z.object({ Type: z.string() }).parse(resource).Type),
  );
  expect(types.length).toBeGreaterThan(10);
  expect(types.filter((type) => /Glue|Athena/.test(type))).toEqual([]);
});
