/** Formats what a rule has measured, for people. Pure. */

/**
 * Returns a result's JSON text as pairs, `label: value`; the text itself if it is not an object. Whether there was an
 * alarm and on which object is shown elsewhere; labels are in any language, so these two are recognized and left out by
 * their values.
 *
 * @param objectName what was checked, as the result calls it
 */
export function metricPairs(json: string, objectName: string): string[] {
  const shownElsewhere = ['true', 'false', objectName];
  const parsed = parsedJson(json);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return [json];
  }
  return Object.entries(parsed)
    .map(([label, value]) => [label, typeof value === 'string' ? value : JSON.stringify(value)] as const)
    .filter(([, value]) => !shownElsewhere.includes(value))
    .map(([label, value]) => `${label}: ${value}`);
}

/** Parses JSON. A number of which JavaScript would show other digits, such as a long id, becomes the source's text. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text, exactly);
  } catch {
    return null;
  }
}

function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && String(value) !== context?.source ? context?.source : value;
}
