/** Asks for confirmation on the terminal. */
import { createInterface } from 'node:readline';

/** The user's answer. */
export type Answer = 'yes' | 'no' | 'interrupted';

/** Returns whether there is a terminal to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks `question`. The answers y and yes confirm; any other answer, or the end of the input, means no.
 *
 * @param input the terminal by default
 * @param output stderr by default, so that stdout contains only the command's document
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
