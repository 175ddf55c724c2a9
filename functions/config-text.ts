/** The text of a config file: JSON with comments and trailing commas. Pure. */
import { findNodeAtLocation, type Node, type ParseError, parse, parseTree } from 'jsonc-parser';
import type { LineOf } from './config-problems.ts';
import { ConfigError } from './errors.ts';

/**
 * Parses the text of a config file, JSON with comments and trailing commas. `lineOf` finds the line of a key in it; for a
 * missing key, the line of the object that lacks it.
 *
 * @param origin how to call the text in a message
 * @throws ConfigError for wrong syntax
 */
export function configFromText(text: string, origin: string): { readonly value: unknown; readonly lineOf: LineOf } {
  const json = text.replace(/^\uFEFF/, '');
  const errors: ParseError[] = [];
  const { value, tree } = parsed(json, origin, errors);
  const [first] = errors;
  if (first !== undefined) {
    // The text itself is not quoted, because it may contain a secret by mistake.
    const lines = json.slice(0, first.offset).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError(`${origin} is not JSON: the syntax is wrong at ${place}`, {
      remedy: 'Fix it there; comments and trailing commas are allowed.',
    });
  }
  const lineOf: LineOf = (path) => {
    const parts = path.filter((part) => typeof part !== 'symbol');
    for (let length = parts.length; tree !== undefined && length > 0; length -= 1) {
      const node = findNodeAtLocation(tree, parts.slice(0, length));
      if (node !== undefined) {
        const { offset } = node.parent?.type === 'property' ? node.parent : node;
        return json.slice(0, offset).split('\n').length;
      }
    }
    return null;
  };
  return { value, lineOf };
}

function parsed(json: string, origin: string, errors: ParseError[]): { value: unknown; tree: Node | undefined } {
  const options = { allowTrailingComma: true };
  try {
    return { value: parse(json, errors, options), tree: parseTree(json, [], options) };
  } catch (cause) {
    // The parser calls itself for each level.
    throw new ConfigError(`${origin} is not a configuration: its lists or objects are nested too deeply`, {
      remedy: 'Write it again, for example with "dqsync init".',
      cause,
    });
  }
}
