/** Text from a remote server, cleaned for display. Pure. */

const maxForeignChars = 300;

/**
 * Cleans a string from a remote server: one line, no control characters, no secrets, at most 300 characters. Undefined if
 * nothing is left.
 */
export function cleanText(value: unknown, redact: (text: string) => string): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') {
    return undefined;
  }
  // Before the cleaning, after which a secret with a final period or a tab would not be recognized. Again after it, because
  // a secret with a blank may be on two lines.
  const line = redact(String(value))
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    // It becomes part of a sentence.
    .replace(/(?<!\.)[.。]$/, '');
  // A token that is echoed in part would not be recognized, so any long run of such characters is removed.
  const safe = redact(line).replace(/[A-Za-z0-9+/=_-]{60,}/g, '[redacted]');
  const short = safe.length <= maxForeignChars ? safe : `${safe.slice(0, maxForeignChars)}…`;
  return short === '' ? undefined : short;
}

/**
 * Makes a function that removes secrets from texts, in plain form, without blanks around them, and as escaped in URLs
 * and JSON. More secrets may be added later.
 */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  return (text) => {
    let safe = text;
    for (const secret of secrets) {
      const inUrl = encodeURIComponent(secret.toWellFormed());
      const inLowerCase = inUrl.replace(/%../g, (code) => code.toLowerCase());
      for (const form of [secret, inUrl, inLowerCase, JSON.stringify(secret).slice(1, -1), secret.trim()]) {
        safe = form === '' ? safe : safe.replaceAll(form, '[redacted]');
      }
    }
    return safe;
  };
}
