/**
 * Cuts the rows out of a page's text, so that a row which cannot be read is kept exactly as the source wrote it.
 *
 * Pure. Used only where something is wrong with a page, so it is written to be short, not fast.
 */

/**
 * The exact texts of the elements of the top-level `resources` array, in order.
 *
 * @param text valid JSON whose top level is an object with an array `resources`; for any other text the answer means
 * nothing (it never throws on valid JSON)
 */
export function rowTexts(text: string): string[] {
  let rows: string[] = [];
  let at = skipSpace(text, 0) + 1;
  while (at < text.length) {
    at = skipSpace(text, at);
    if (text[at] !== '"') {
      break;
    }
    const keyEnd = skipString(text, at);
    const key: unknown = JSON.parse(text.slice(at, keyEnd));
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    // A key that occurs twice: the last one wins, as in JSON.parse.
    if (key === 'resources') {
      rows = elementTexts(text.slice(valueStart, valueEnd));
    }
    at = skipSpace(text, valueEnd) + 1;
  }
  return rows;
}

function elementTexts(array: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(array, 1);
  while (at < array.length && array[at] !== ']') {
    const end = skipValue(array, at);
    elements.push(array.slice(at, end));
    at = skipSpace(array, skipSpace(array, end) + 1);
  }
  return elements;
}

/** Index behind the value that starts at `start`. Counts brackets instead of recursing: depth must not matter. */
function skipValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') {
    return skipString(text, start);
  }
  if (first !== '{' && first !== '[') {
    return findFrom(/[,\]}\s]/g, text, start);
  }
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      at = skipString(text, at);
    } else {
      depth += char === '{' || char === '[' ? 1 : -1;
      at += 1;
      if (depth === 0) {
        return at;
      }
    }
    at = findFrom(/["[\]{}]/g, text, at);
  }
  return at;
}

/** Index behind the string whose opening quote is at `start`. */
function skipString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    at = findFrom(/["\\]/g, text, at);
    if (text[at] !== '\\') {
      return at + 1;
    }
    at += 2;
  }
}

function skipSpace(text: string, start: number): number {
  return findFrom(/[^ \t\n\r]/g, text, start);
}

function findFrom(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.exec(text)?.index ?? text.length;
}
