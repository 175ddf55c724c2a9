/** Asks questions on the terminal, one line each. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Ctrl-C or the end of the input arrived instead of an answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Asks one question on stderr. An empty answer means `proposed`.
 *
 * @param isSecret whether the typed text is hidden
 * @throws NoAnswer
 */
export async function askLine(question: string, proposed: string, isSecret = false): Promise<string> {
  const output = isSecret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  process.stderr.write(`${question}${proposed === '' ? '' : ` [${proposed}]`}: `);
  const ended = new AbortController();
  lines.once('SIGINT', () => lines.close());
  lines.once('close', () => ended.abort());
  try {
    const [line] = await once(lines, 'line', { signal: ended.signal });
    const answer = String(line).trim();
    return answer === '' ? proposed : answer;
  } catch {
    throw new NoAnswer('no answer was given');
  } finally {
    if (isSecret) {
      process.stderr.write('\n');
    }
    lines.close();
  }
}
