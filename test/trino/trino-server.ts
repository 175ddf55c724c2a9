/**
 * A Trino server on this machine: one node, with the Hive connector over a Glue catalog and an S3 that are emulated.
 *
 * Trino is a download of 800 MB from Maven Central (`io.trino:trino-server`, tar.gz) and needs its own Java, so it is
 * unpacked by hand and started only by `npm run trino`.
 */
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ExactNumber, parseExactJson } from '../../functions/source/exact-json.ts';
import { eventually, freePort, type MiniStack, region } from '../e2e/ministack.ts';

/** Name of the catalog, which is that of Athena. */
const catalog = 'awsdatacatalog';

/** The rows of an answer; every value as text, null as null. */
export type TextRow = readonly (string | null)[];

/** A running server. */
export interface TrinoServer {
  /** Asks a question. Throws with Trino's own message if it fails. */
  query(sql: string, schema: string): Promise<TextRow[]>;
  stop(): Promise<void>;
}

/**
 * Starts a server, which takes about 20 s.
 *
 * @param home folder of the unpacked server
 * @param folder for configuration and data
 */
export async function startTrino(home: string, folder: string, ministack: MiniStack): Promise<TrinoServer> {
  const port = await freePort();
  const etc = join(folder, 'etc');
  await mkdir(join(etc, 'catalog'), { recursive: true });
  const files = {
    'node.properties': ['node.environment=test', 'node.id=one', `node.data-dir=${join(folder, 'data')}`],
    'jvm.config': ['-Xmx2G', '-XX:+ExitOnOutOfMemoryError', '-Djdk.attach.allowAttachSelf=true'],
    'config.properties': [
      'coordinator=true',
      'node-scheduler.include-coordinator=true',
      `http-server.http.port=${port}`,
      `discovery.uri=http://127.0.0.1:${port}`,
    ],
    [`catalog/${catalog}.properties`]: [
      'connector.name=hive',
      'hive.metastore=glue',
      `hive.metastore.glue.endpoint-url=${ministack.endpoint}`,
      `hive.metastore.glue.region=${region}`,
      'hive.metastore.glue.aws-access-key=test',
      'hive.metastore.glue.aws-secret-key=test',
      // As Athena does, which finds the partitions by projection.
      'hive.partition-projection-enabled=true',
      'fs.native-s3.enabled=true',
      `s3.endpoint=${ministack.endpoint}`,
      `s3.region=${region}`,
      's3.path-style-access=true',
      's3.aws-access-key=test',
      's3.aws-secret-key=test',
    ],
  };
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(join(etc, name), `${lines.join('\n')}\n`);
  }
  const server = spawn(join(home, 'bin/launcher'), ['run', '--etc-dir', etc], { stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (server.pid !== undefined && server.exitCode === null) {
      // The launcher starts Java in its group.
      process.kill(-server.pid, 'SIGKILL');
    }
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await eventually('Trino has started', 180_000, async () => {
      const info = z.object({ starting: z.boolean() }).parse(await (await fetch(`${url}/v1/info`)).json());
      return !info.starting;
    });
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { query: (sql, schema) => query(url, sql, schema), stop };
}

const page = z.object({
  nextUri: z.string().optional(),
  data: z.array(z.array(z.unknown())).optional(),
  error: z.object({ message: z.string() }).optional(),
});

/** Follows Trino's client protocol, in which each page names the next one. Its numbers have up to 64 bits. */
async function query(url: string, sql: string, schema: string): Promise<TextRow[]> {
  const headers = { 'X-Trino-User': 'dqsync', 'X-Trino-Catalog': catalog, 'X-Trino-Schema': schema };
  const rows: TextRow[] = [];
  let reply = await fetch(`${url}/v1/statement`, { method: 'POST', headers, body: sql });
  for (;;) {
    const { nextUri, data = [], error } = page.parse(parseExactJson(await reply.text()));
    if (error !== undefined) {
      throw new Error(`${error.message}\n${sql}`);
    }
    rows.push(...data.map((row) => row.map(textOf)));
    if (nextUri === undefined) {
      return rows;
    }
    reply = await fetch(nextUri, { headers });
  }
}

function textOf(value: unknown): string | null {
  return value === null ? null : value instanceof ExactNumber ? value.source : String(value);
}
