/** Reads the function's configuration from its environment. */
import { type Config, parseConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Contains the configuration: the same JSON text as the CLI's `--config` file. */
export const configVariable = 'DQSYNC_CONFIG';

/** CloudWatch namespace of the metrics, so that two deployments in one account keep theirs apart. Default: `dqsync`. */
export const namespaceVariable = 'DQSYNC_METRICS_NAMESPACE';

/** The source of events about changed outcomes, `dqsync.<stack>`. If it is not set, there are no events. */
export const eventSourceVariable = 'DQSYNC_EVENT_SOURCE';

/** Set to `1` or `passRateWatch` to follow the outcomes of tasks for metrics and the dashboard even without events. */
export const watchVariable = 'DQSYNC_WATCH_OUTCOMES';

/** Also counts executions in metrics, for the alarm on the pass rate. */
export const passRateWatch = 'pass-rate';

/**
 * Parses the configuration.
 *
 * @throws ConfigError naming the variable and every wrong key
 */
export function configFrom(environment: Environment): Config {
  const text = environment[configVariable];
  if (text === undefined || text.trim() === '') {
    throw new ConfigError(`the environment variable ${configVariable} is not set`, {
      remedy: `Set ${configVariable} to the configuration, as JSON text; the README lists every key.`,
      code: configVariable,
    });
  }
  return parseConfig(parseJson(text), configVariable);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which must not be logged.
    throw new ConfigError(`the environment variable ${configVariable} is not JSON`, {
      remedy: `Set ${configVariable} to one JSON object, without comments; the README lists every key.`,
      code: configVariable,
    });
  }
}
