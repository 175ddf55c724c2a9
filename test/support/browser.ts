/** Finds and starts a real browser, for tests of pages. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Names of Chromium in distributions. */
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Finds the browser that DQSYNC_TEST_BROWSER names, or else a Chromium in the PATH.
 *
 * @returns its path; null if there is none, after a warning
 * @throws Error if DQSYNC_TEST_BROWSER names no program
 */
export function findBrowser(): string | null {
  const named = process.env['DQSYNC_TEST_BROWSER'];
  if (named !== undefined) {
    accessSync(named, constants.X_OK);
    return named;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (found === undefined) {
    console.warn('The report is not tried in a browser: install chromium, or name one in DQSYNC_TEST_BROWSER.');
  }
  return found ?? null;
}

/** Starts the browser without a window. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  // Chromium's sandbox does not work for root, the usual user of containers. The pages are our own, so it is not
  // needed.
  const isRoot = process.getuid?.() === 0;
  return await chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
