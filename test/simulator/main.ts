/** Runs the simulator until Ctrl-C: `npm run simulator -- --port 8080 --days 30 --seed 1`. */
import { parseArgs } from 'node:util';
import { defaultAccount } from './accounts.ts';
import { shiftedClock } from './movable-clock.ts';
import { startSimulator } from './server.ts';

const usage = `usage: npm run simulator -- [options]

  --port <port>     port to listen on, on loopback (default: 8080)
  --days <days>     days of history (default: 30)
  --tasks <tasks>   tasks that run (default: 40)
  --seed <seed>     seed of the history (default: 1)
  --latency <ms>    latency of every reply (default: 0)
  --unthrottled     no quota (default: 40 requests in 10 seconds)`;

const { values } = readArguments();

if (values.help) {
  console.log(usage);
  process.exit(0);
}

const port = numberOf('port');
const days = numberOf('days');
const history = { days, tasks: numberOf('tasks') };
const clock = shiftedClock();
const simulator = await startSimulator({
  port,
  seed: numberOf('seed'),
  clock,
  control: clock,
  history,
  traps: { latencyMs: numberOf('latency') },
  ...(values.unthrottled ? {} : { quota: { requests: 40, perSeconds: 10 } }),
}).catch((thrown: Error) => refuse(`cannot listen on port ${port}: ${thrown.message}. Give another one with --port.`));
process.once('SIGINT', () => void simulator.close());

const config = {
  warehouse: 'file:./.dqsync/warehouse',
  source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl },
  targets: simulator.workspaces.map(({ projectId, workspace }) => ({
    name: 'simulated',
    projectId,
    workspace,
    credentials: 'env:DQSYNC_SECRET',
  })),
  initialFrom: new Date(clock.now() - days * 86_400_000).toISOString(),
};
const quoted = (value: unknown): string => `'${JSON.stringify(value)}'`;

console.log(`simulated DataArts at ${simulator.url}: ${simulator.truth().executions.length} executions

a config to use with it:
${JSON.stringify(config, null, 2)}

credentials, any one of:
export DQSYNC_SECRET=${quoted(defaultAccount.password)}
export DQSYNC_SECRET=${quoted(defaultAccount.accessKeys[0])}
export DQSYNC_SECRET=${quoted({ token: defaultAccount.tokens[0] })}

advance its clock:  curl -X POST '${simulator.url}/_advance?ms=3600000'
                    This is an hour. It moves only the simulator's clock: open executions end, but dqsync reads new ones only
                    when this machine's clock reaches their start. doctor reports the difference, and access keys are refused.
simulate a fault:   curl -X POST ${simulator.url}/_traps -d '{"pageCap": 30}'
all it has:         curl ${simulator.url}/_truth

Ctrl-C ends it.`);

function readArguments() {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        port: { type: 'string', default: '8080' },
        days: { type: 'string', default: '30' },
        seed: { type: 'string', default: '1' },
        tasks: { type: 'string', default: '40' },
        latency: { type: 'string', default: '0' },
        unthrottled: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function numberOf(name: 'port' | 'days' | 'tasks' | 'seed' | 'latency'): number {
  const text = values[name];
  return /^\d{1,6}$/.test(text) ? Number(text) : refuse(`--${name} "${text}" is not a whole number.`);
}

function refuse(problem: string): never {
  console.error(`${problem}\n\n${usage}`);
  process.exit(2);
}
