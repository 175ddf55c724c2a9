/**
 * Opens connections that keep the quota together with the commands before them: the source counts the requests of a
 * user, and a `sync` often follows a `doctor`. Each command leaves behind when it sent its last requests.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { abortAfter, roundedDuration, systemClock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import { type Connections, openConnections, type RecentRequests } from '../../connect.ts';
import type { Log } from '../../model.ts';
import { cacheRoot } from './cache-folder.ts';

import { isQuiet, writeNote } from './output.ts';

/** Shorter waits are not worth a line. */
const noticeableMs = 1_000;

const document = z.record(z.string(), z.array(z.int()));

/** Opens what the config names. @throws ConfigError for an unusable warehouse URL or proxy */
export async function openPacedConnections(config: Config, log: Log): Promise<Connections> {
  const connections = await openConnections(config, log, process.env, systemClock, readRequests(config));
  process.once('exit', () => writeRequests(config, connections.recentRequests()));
  return connections;
}

/**
 * Says on a terminal that a command without a progress bar waits for the quota, once, after about a second: it may wait
 * for the requests of the command before it.
 */
export function noteQuotaWait(connections: Pick<Connections, 'clock' | 'quotaOpensAtMs'>): void {
  if (isQuiet() || !process.stderr.isTTY) {
    return;
  }
  // Not `clock.sleep`, which would keep the process alive after the command has ended.
  const { signal } = abortAfter(noticeableMs, () => new Error('time to look'));
  signal.addEventListener('abort', () => {
    const waitMs = connections.quotaOpensAtMs() - connections.clock.now();
    if (waitMs >= noticeableMs) {
      writeNote(`Waiting ${roundedDuration(waitMs)} for the quota of the source (source.quota).`);
    } else {
      noteQuotaWait(connections);
    }
  });
}

/** Returns the path of the file. @throws what `homedir` throws for a user without a home folder */
function fileOf({ source }: Config): string {
  const id = createHash('sha256').update(source.endpoint).digest('hex').slice(0, 16);
  return join(cacheRoot(process.env), `requests-${id}.json`);
}

function readRequests(config: Config): RecentRequests {
  try {
    return document.parse(JSON.parse(readFileSync(fileOf(config), 'utf8')));
  } catch {
    // Missing, or damaged. At worst, the source refuses a few requests for a moment (HTTP 429).
    return {};
  }
}

function writeRequests(config: Config, requests: RecentRequests): void {
  if (Object.values(requests).every((sent) => sent.length === 0)) {
    return;
  }
  try {
    const file = fileOf(config);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(requests));
  } catch {
    // There is no such folder, or it cannot be written to. The next command then paces only its own requests.
  }
}
