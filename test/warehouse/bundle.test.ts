import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-warehouse.ts';

it("writes Parquet from a bundle of ES modules like the Lambda's", async () => {
  const root = join(import.meta.dirname, '../..');
  const bundle = join(await tempFolder(), 'bundle.mjs');
  await build({
    stdin: {
      contents: `
        import { instanceTable, observationColumns } from './functions/warehouse/columns.ts';
        import { tableBatch } from './functions/warehouse/table-batch.ts';
        import { encodeParquet } from './functions/warehouse/parquet.ts';
        import { anObservation } from './test/support/builders.ts';
        const bytes = await encodeParquet(observationColumns, tableBatch(instanceTable, [anObservation()]));
        process.stdout.write(Buffer.from(bytes).toString('latin1', 0, 4) + Buffer.from(bytes).toString('latin1', bytes.length - 4));`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
    outfile: bundle,
  });

  const { stdout } = await promisify(execFile)(process.execPath, [bundle]);

  expect(stdout).toBe('PAR1PAR1');
});
