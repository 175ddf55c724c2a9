/** Announces changes of outcomes as events of EventBridge, on the account's default bus. */
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { isoTime } from '../clock.ts';
import { StorageError } from '../errors.ts';
import { awsFault, connectionsOf, LastRequest } from '../network/aws.ts';
import { describeFault, type Fault, faultRemedy } from '../network/faults.ts';
import type { ProxyEnvironment } from '../network/proxy.ts';
import type { Announce, OutcomeChanges } from '../sync/outcomes/outcome-changes.ts';

/** The values that rules match on. */
const detailType = 'Quality state changed';

/** EventBridge accepts 256 KB per request, including the other fields of the event. */
const maxDetailBytes = 200_000;

/**
 * @param source what the events name as their source: `dqsync.<stack>`
 * @param environment names the proxies on the way
 */
export function eventBus(source: string, environment: ProxyEnvironment = {}): Announce {
  return async (changes, abortSignal) => {
    // Loaded only if there is something to announce, which most runs have not.
    const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
    const limits = { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
    const client = new EventBridgeClient(connectionsOf(environment, limits));
    const last = new LastRequest();
    client.middlewareStack.add(last.watch, last.place);
    const put = async (entry: PutEventsRequestEntry): Promise<void> => {
      const { FailedEntryCount, Entries } = await client
        .send(new PutEventsCommand({ Entries: [entry] }), { abortSignal })
        .catch((thrown: unknown) => {
          throw failure(thrown, awsFault(thrown, last.sent, environment));
        });
      if (FailedEntryCount !== 0) {
        const { ErrorCode = 'no code', ErrorMessage = '' } = Entries?.[0] ?? {};
        throw refusal(ErrorCode, ErrorMessage);
      }
    };
    try {
      for (const detail of detailsOf(changes)) {
        await put({ Source: source, DetailType: detailType, Detail: detail });
      }
    } finally {
      client.destroy();
    }
  };
}

function failure(thrown: unknown, fault: Fault | null): unknown {
  if (fault !== null) {
    return new StorageError(`EventBridge did not accept an event: ${describeFault(fault)} (${fault.code})`, {
      remedy: faultRemedy(fault, 'AWS_REGION and AWS_ENDPOINT_URL'),
      code: fault.code,
    });
  }
  // Only an error that AWS has sent has this property.
  return thrown instanceof Error && '$fault' in thrown ? refusal(thrown.name, thrown.message) : thrown;
}

function refusal(code: string, message: string): StorageError {
  return new StorageError(`EventBridge refused an event: ${code} ${message}`, {
    remedy: 'Check the default event bus of the account and the permission events:PutEvents.',
    code,
  });
}

/** The details of the events, as JSON: as many changes in each as fit. Names in it are a contract. */
export function detailsOf({ target, workspace, projectId, runId, changes }: OutcomeChanges): string[] {
  const transitions = changes.map(({ sinceMs, ...change }) => ({ ...change, since: isoTime(sinceMs) }));
  const groups: (typeof transitions)[] = [];
  let leftBytes = 0;
  for (const transition of transitions) {
    const sizeBytes = Buffer.byteLength(JSON.stringify(transition)) + 1;
    if (sizeBytes > leftBytes) {
      groups.push([]);
      leftBytes = maxDetailBytes;
    }
    groups.at(-1)?.push(transition);
    leftBytes -= sizeBytes;
  }
  return groups.map((group) => {
    // Counted for rules, which cannot search all objects of a list.
    const failing = group.filter(({ to }) => to !== 'SUCCESS').length;
    const recovered = group.length - failing;
    return JSON.stringify({ target, workspace, projectId, runId, failing, recovered, transitions: group });
  });
}
