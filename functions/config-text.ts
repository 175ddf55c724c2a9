/** The text of a config file: JSON with comments and trailing commas. Pure. */
import { findNodeAtLocation, type ParseError, parse, parseTree } from 'jsonc-parser';
import type { LineOf } from './config-problems.ts';
import { ConfigError } from './errors.ts';

/**
 * Parses the text of a config file, JSON with comments and trailing commas.
 *
 * @param origin how to call the text in a message
 * @throws ConfigError for wrong syntax
 */
export function configValue(text: string, origin: string): unknown {
  const json = text.replace(/^\uFEFF/, '');
  const errors: ParseError[] = [];
  const value: unknown = parse(json, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    // The text itself is not quoted, because it may contain a secret by mistake.
    const lines = json.slice(0, first.offset).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError(`${origin} is not JSON: the syntax is wrong at ${place}`, {
      remedy: 'Fix it there; comments and trailing commas are allowed.',
    });
  }
  return value;
}

/**
 * Returns a function that finds the line of a key in the text of a config file. For a missing key, it finds the line of
 * the object that lacks it.
 */
export function lineFinder(text: string): LineOf {
  const tree = parseTree(text.replace(/^\uFEFF/, ''), [], { allowTrailingComma: true });
  return (path) => {
    const parts = path.filter((part) => typeof part !== 'symbol');
    for (let length = parts.length; tree !== undefined && length > 0; length -= 1) {
      const node = findNodeAtLocation(tree, parts.slice(0, length));
      if (node !== undefined) {
        const { offset } = node.parent?.type === 'property' ? node.parent : node;
        return text.slice(0, offset).split('\n').length;
      }
    }
    return null;
  };
}
