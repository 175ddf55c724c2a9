/** Calls `dqsync` in the process of the tests, which takes a tenth of the CPU time of a process of its own. */
import { vi } from 'vitest';
import { main } from '../../functions/cli/main.ts';
import type { CliOptions, CliRun } from './run-cli.ts';

/** What a call can be given. Everything else about a process needs `runCli`. */
export type CallOptions = Pick<CliOptions, 'cwd' | 'env'>;

let lastCall: Promise<unknown> = Promise.resolve();

/**
 * Calls the entry point with the folder and the variables of a process, and collects what it writes. Calls wait for each
 * other, because this process has one folder and one set of variables.
 *
 * `runCli` is for tests of the start and the end of the process, of signals, streams and colors, and of the page of
 * `report`, which only the package contains.
 */
export function callCli(args: readonly string[], options: CallOptions): Promise<CliRun> {
  const call = lastCall.then(() => callAlone(args, options));
  lastCall = call.catch(() => undefined);
  return call;
}

/** Where a command leaves listeners, which would end with its process. */
const listened: readonly (readonly [NodeJS.EventEmitter, string])[] = [
  [process, 'exit'],
  [process.stdout, 'error'],
  [process.stderr, 'error'],
];

async function callAlone(args: readonly string[], { cwd, env }: CallOptions): Promise<CliRun> {
  const folder = process.cwd();
  const variables = { ...process.env };
  const listeners = listened.map(([emitter, event]) => emitter.rawListeners(event));
  const writes = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  process.chdir(cwd);
  setVariables({ PATH: variables['PATH'], HOME: cwd, ...env });
  try {
    const exitCode = await main(args);
    const [stdout = '', stderr = ''] = writes.map(({ mock }) => mock.calls.map(([chunk]) => String(chunk)).join(''));
    return { exitCode, signal: null, stdout, stderr };
  } finally {
    for (const [index, [emitter, event]] of listened.entries()) {
      for (const listener of emitter.rawListeners(event).filter((each) => !listeners[index]?.includes(each))) {
        // What a command leaves to the end of its process happens now, with the same variables.
        if (event === 'exit') {
          listener();
        }
        emitter.off(event, listener as () => void);
      }
    }
    setVariables(variables);
    process.chdir(folder);
    for (const write of writes) {
      write.mockRestore();
    }
  }
}

/** Sets these variables and removes all others, in place, because `homedir` does not see a new `process.env`. */
function setVariables(variables: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env).filter((each) => variables[each] === undefined)) {
    delete process.env[name];
  }
  Object.assign(process.env, variables);
}
