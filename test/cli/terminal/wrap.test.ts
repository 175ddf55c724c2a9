import stringWidth from 'fast-string-width';
import { describe, expect, it } from 'vitest';
import { wrapped } from '../../../functions/cli/terminal/wrap.ts';

const commands = [
  'dqsync backfill --again --from 2026-11-28T14:00:05+08:00 --to 2026-11-28T15:00:05+08:00 --target 销售',
  'dqsync backfill --results --from … --to … --target sales --config "/srv/my sync/dqsync.json"',
  'npx dqsync init --deploy',
  'npx dqsync query --config .dqsync/demo/dqsync.json "SELECT dt, count(*) FROM quality_instances GROUP BY dt"',
  'aws secretsmanager put-secret-value --secret-id <name> --secret-string file://secret.json',
  '"npx cdk deploy -c config=mine.json"',
  '"export AWS_REGION=eu-west-1"',
];
const urls = [
  'https://dayu.ap-southeast-3.myhuaweicloud.com/v2/0b1c52fa6e8d4f7a9c3e0d5b7a164c28/quality/instances?limit=100',
  'file:/home/someone/with/a/long/path/to/the/folder/of/the/warehouse/in/which/nothing/can/be/written',
];

describe('text that is wider than the terminal', () => {
  it.each([
    ...[...commands, ...urls].flatMap((part) => [
      [part, `error: 源 sales cannot be reached, and nothing was written. Now run ${part} to continue with the rest.`],
      [part, `  error: 源 sales is not finished; resume it with: ${part}`],
      [part, `\u001b[31merror:\u001b[39m ${part} ${'and some more words '.repeat(9)}`],
      [part, part],
    ]),
    [
      '销售',
      '  complete   销售 is complete up to 2026-11-28T14:00:05+08:00, with 12,345 executions, and no gaps before that',
    ],
    ['', 'short'],
    ['', ''],
  ])('is broken between words, never inside %j', (part, text) => {
    for (const width of [20, 40, 80, 120]) {
      const lines = wrapped(text, width).split('\n');

      expect(lines.map((line) => line.trim()).join(' ')).toBe(text.trim());
      expect(lines.some((line) => line.includes(part))).toBe(true);
      for (const line of lines) {
        // A command or a URL that is wider than the terminal is alone on its line.
        const fits = stringWidth(line) <= width;
        expect(fits || line.includes(part) || !line.trim().includes(' ')).toBe(true);
      }
    }
  });

  it('is aligned with the text behind a label, or indented', () => {
    expect(wrapped('✗ warehouse    the folder /mnt/data does not exist, or is not readable', 40)).toBe(
      [
        '✗ warehouse    the folder /mnt/data does',
        '               not exist, or is not',
        '               readable',
      ].join('\n'),
    );
    expect(wrapped('  error: the folder does not exist, or is not readable', 30)).toBe(
      ['  error: the folder does not', '    exist, or is not readable'].join('\n'),
    );
  });

  it('stays as it is in a pipe', () => {
    const text = 'a word '.repeat(100);
    expect(wrapped(text, null)).toBe(text);
  });
});
