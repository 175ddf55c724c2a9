/** Announces changes of outcomes as events of EventBridge, on the account's default bus. */
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { isoTime } from '../clock.ts';
import { StorageError } from '../errors.ts';
import type { Announce, OutcomeChanges } from '../sync/outcome-changes.ts';

/** The values that rules match on. */
const detailType = 'Quality state changed';

/** EventBridge accepts 256 KB per request, including the other fields of the event. */
const maxDetailBytes = 200_000;

/** @param source what the events name as their source: `dqsync.<stack>` */
export function eventBus(source: string): Announce {
  return async (changes, abortSignal) => {
    // Loaded only if there is something to announce, which most runs have not.
    const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
    const client = new EventBridgeClient({ requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 } });
    try {
      for (const detail of detailsOf(changes)) {
        const entry: PutEventsRequestEntry = { Source: source, DetailType: detailType, Detail: detail };
        const { FailedEntryCount, Entries } = await client.send(new PutEventsCommand({ Entries: [entry] }), {
          abortSignal,
        });
        if (FailedEntryCount !== 0) {
          const { ErrorCode = 'no code', ErrorMessage = '' } = Entries?.[0] ?? {};
          throw new StorageError(`EventBridge refused an event: ${ErrorCode} ${ErrorMessage}`, {
            remedy: 'Check the default event bus of the account and the permission events:PutEvents.',
            code: ErrorCode,
          });
        }
      }
    } finally {
      client.destroy();
    }
  };
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
