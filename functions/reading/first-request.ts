/** The first request of a run (R0). Pure over `fetchPage`. */
import { SourceError } from '../errors.ts';
import { cutAt } from '../intervals.ts';
import type { Window } from '../model.ts';
import { ask, askTwice, mayBeOfRequest, type PageSource, type Reply, UndeliveredError } from './page-source.ts';

/** The reply to the first request of a run. */
export interface FirstReply {
  readonly reply: Reply;
  /** Its window: a part of the span if the source limits spans or fails to deliver the whole. */
  readonly window: Window;
  /** Why it is not the reply for the whole span; null if the source delivers that. */
  readonly failure: SourceError | null;
}

/** Parts of the first span, each half as long as the one before, that are tried if the source fails to deliver it. */
const maxParts = 16;
/** A source that delivers none of the first parts fails. */
const maxFailedParts = 2;

/**
 * Makes the first request of a run (R0) over one long span. It shows the page size, whether counts exceed pages, and
 * the density. Asks again if the reply is empty. If the source fails to deliver the span, the newest rows may be the
 * cause: asks for its older half, then for the older half of the rest, until a reply has rows.
 *
 * @throws what `fetchPage` throws
 */
export async function calibrate(source: PageSource, span: Window): Promise<FirstReply> {
  const whole = await calibrateLatest(source, span);
  if (!(whole instanceof SourceError)) {
    return { ...whole, failure: null };
  }
  let first: FirstReply | null = null;
  let rest = span;
  for (let parts = 0; parts < (first === null ? maxFailedParts : maxParts); parts += 1) {
    const [older = rest, newer = rest] = cutAt(rest, [Math.round((rest.fromMs + rest.toMs) / 2)]);
    const part = await calibrateLatest({ ...source, isDoubtful: true }, older);
    if (!(part instanceof SourceError)) {
      first = { ...part, failure: whole };
      if (part.reply.rows > 0) {
        return first;
      }
    }
    rest = newer;
  }
  if (first === null) {
    throw whole;
  }
  return first;
}

/** Requests the latest part of `span` that the source accepts. Returns the error if it fails to deliver that. */
async function calibrateLatest(
  source: PageSource,
  span: Window,
): Promise<Pick<FirstReply, 'window' | 'reply'> | SourceError> {
  const { hints } = source.profile;
  for (;;) {
    const window = { fromMs: Math.max(span.fromMs, span.toMs - hints.maxSpanMs), toMs: span.toMs };
    try {
      const reply = await ask(source, window);
      if (reply !== null) {
        const pair = reply.rows === 0 ? await askTwice(source, window, reply) : null;
        return { window, reply: pair?.[1] ?? reply };
      }
    } catch (thrown) {
      const cause = thrown instanceof UndeliveredError ? thrown.failure : thrown;
      if (mayBeOfRequest(cause)) {
        return cause;
      }
      throw thrown;
    }
  }
}
