/** The text of a config file: JSON with comments and trailing commas. Pure. */
import { type ParseError, parse } from 'jsonc-parser';
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
    // The text itself is not quoted: it may hold a secret by mistake.
    const lines = json.slice(0, first.offset).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError(`${origin} is not JSON: the syntax is wrong at ${place}`, {
      remedy: 'Fix it there; comments and trailing commas are allowed.',
    });
  }
  return value;
}
