/** Asks questions on the terminal, one line each. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Ctrl-C or the end of the input arrived instead of an answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Questions go to stderr, so that stdout contains only the command's document. */
const ownTerminal: Terminal = { input: process.stdin, output: process.stderr };

/** Returns whether there is a terminal to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks one question. An empty answer means `proposed`.
 *
 * @param isSecret whether the typed text is hidden
 * @throws NoAnswer
 */
export async function askLine(
  question: string,
  proposed: string,
  isSecret = false,
  { input, output } = ownTerminal,
): Promise<string> {
  const echo = isSecret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : output;
  const prompt = `${question}${proposed === '' ? '' : ` [${proposed}]`}: `;
  // Readline shows its prompt again whenever an answer is corrected.
  const lines = createInterface({ input, output: echo, terminal: true, prompt });
  if (isSecret) {
    output.write(prompt);
  }
  lines.prompt();
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
      output.write('\n');
    }
    lines.close();
  }
}

/** Asks for a confirmation: y or yes. Any other answer means no; null if none was given. */
export async function confirm(question: string, terminal = ownTerminal): Promise<boolean | null> {
  const answer = await askLine(`${question} (y/N)`, '', false, terminal).catch((thrown: unknown) => {
    if (thrown instanceof NoAnswer) {
      return null;
    }
    throw thrown;
  });
  return answer === null ? null : /^y(es)?$/i.test(answer);
}
