/** Draws a column chart on the terminal, in eighths of a line. Pure. */

const eighths = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** One column. */
interface ChartColumn {
  readonly label: string;
  readonly value: number;
}

/**
 * Draws columns from `floor` to `ceiling`, with the first and the last label below. Values outside are cut off.
 *
 * @param paintColumn colors a column's part of a line
 */
export function columnChart(
  columns: readonly ChartColumn[],
  scale: { readonly floor: number; readonly ceiling: number; readonly height: number; readonly unit: string },
  paintColumn: (text: string, value: number) => string,
): string {
  const { floor, ceiling, height, unit } = scale;
  const lines = Array.from({ length: height }, (_, index) => {
    const level = height - 1 - index;
    const cells = columns.map(({ value }) => {
      const part = Math.min(Math.max((value - floor) / (ceiling - floor), 0), 1) * height - level;
      const eighth = eighths[Math.round(Math.min(Math.max(part, 0), 1) * 8)] ?? ' ';
      return `${eighth === ' ' ? eighth : paintColumn(eighth, value)} `;
    });
    const tick = index === 0 ? `${ceiling}${unit}` : index === height - 1 ? `${floor}${unit}` : '';
    return `${tick.padStart(6)} │${cells.join('')}`;
  });
  const first = columns[0]?.label ?? '';
  const last = columns.at(-1)?.label ?? '';
  const gap = Math.max(1, columns.length * 2 - first.length - last.length);
  return [
    ...lines,
    `${' '.repeat(6)} └${'─'.repeat(columns.length * 2)}`,
    `${' '.repeat(8)}${first}${' '.repeat(gap)}${last}`,
  ].join('\n');
}
