/** Asks the person at the terminal before something is done. */
import { createInterface } from 'node:readline';

/** How the person answered. */
export type Answer = 'yes' | 'no' | 'interrupted';

/** Whether there is anybody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks `question`, to be answered with y or yes; anything else, also the end of input, is no.
 *
 * @param input where the answer comes from; the terminal unless told otherwise
 * @param output where the question goes: stderr, so that stdout stays the command's document
 */
export async function confirm(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<Answer> {
  const lines = createInterface({ input, output, prompt: `${question} (y/N) ` });
  const answer = Promise.withResolvers<Answer>();
  lines.once('line', (text) => answer.resolve(/^\s*y(es)?\s*$/i.test(text) ? 'yes' : 'no'));
  lines.once('SIGINT', () => answer.resolve('interrupted'));
  lines.once('close', () => answer.resolve('no'));
  lines.prompt();
  try {
    return await answer.promise;
  } finally {
    lines.close();
  }
}
