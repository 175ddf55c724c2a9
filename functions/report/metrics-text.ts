/** Shortens what a rule measured. Pure. */

/** Longest text kept: a few figures with their labels. */
const maxCharacters = 200;

/**
 * Formats a result's JSON text as `label: value` pairs, joined by ` · `. Returns the text itself if it is not an
 * object. The page shows elsewhere whether there was an alarm and on which object; labels are in any language, so these
 * two are recognized and left out by their values.
 *
 * @param objectName what was checked, as the result calls it
 */
export function metricsText(json: string, objectName: string): string {
  const shownElsewhere = ['true', 'false', objectName];
  const text = pairsOf(json)
    .filter(([, value]) => !shownElsewhere.includes(value))
    .map(([label, value]) => (label === '' ? value : `${label}: ${value}`))
    .join(' · ');
  const characters = [...text];
  return characters.length <= maxCharacters ? text : `${characters.slice(0, maxCharacters).join('')}…`;
}

function pairsOf(json: string): (readonly [label: string, value: string])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return [['', json]];
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return [['', json]];
  }
  return Object.entries(parsed).map(([label, value]) => [
    label,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}
