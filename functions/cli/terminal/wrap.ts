/** Wraps text to the width of a terminal, so that words are not cut. Pure. */
import stringWidth from 'fast-string-width';

/** Takes the place of a space that is not to be broken. No message contains it: `printable` escapes it. */
const held = '\u0000';

/**
 * Commands in messages, in double quotes or not. They are never broken, because a command copied from two lines does
 * not run. A terminal breaks a long line by itself, but copies it as one line.
 */
const option = '(?: --?[a-z][a-z-]*(?: (?:"[^"]*"|<[^>]*>|[^\\s"-]\\S*))?)*';
const commands = new RegExp(
  `"(?:[A-Z_]+=\\S+ )?(?:npx |npm |aws |dqsync |export )[^"]*"|\\b(?:npx )?dqsync [a-z]+${option}(?: "[^"]*")?|\\baws [a-z0-9-]+ [a-z0-9-]+${option}`,
  'g',
);

/** A label and at least two spaces at the start of a line, such as the mark and the name of a check. */
const label = /^ *(?:\S+ ){0,2}\S+ {2,}/;
/** Largest indent of continued lines. A larger one would leave too little room on 80 columns. */
const maxHang = 30;

/**
 * Breaks each line that is too long at spaces, but not inside a command or a URL. What follows a break is aligned with
 * the text behind the line's label, or indented by two more than the line.
 *
 * @param width null for no limit, as in a pipe
 */
export function wrapped(text: string, width: number | null): string {
  return width === null
    ? text
    : text
        .split('\n')
        .map((line) => (stringWidth(line) <= width ? line : wrappedLine(line, width)))
        .join('\n');
}

function wrappedLine(line: string, width: number): string {
  const indent = line.length - line.trimStart().length;
  const [start = ' '.repeat(indent)] = label.exec(line) ?? [];
  const hang = start.trim() !== '' && stringWidth(start) <= maxHang ? stringWidth(start) : indent + 2;
  const words = line
    .slice(start.length)
    .replace(commands, (command) => command.replaceAll(' ', held))
    .split(' ');
  let shown = start;
  let column = stringWidth(start);
  for (const [index, word] of words.entries()) {
    const size = stringWidth(word.replaceAll(held, ' '));
    const fits = column + 1 + size <= width;
    shown += index === 0 ? word : fits ? ` ${word}` : `\n${' '.repeat(hang)}${word}`;
    column = index === 0 ? column + size : fits ? column + 1 + size : hang + size;
  }
  return shown.replaceAll(held, ' ');
}
