import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, type Point, scatter } from '../../src/cli/plot.js';

const AXES = { x: (value: number) => `${value} ns`, y: (value: number) => value.toFixed(2) };
const MARKS = 'abcdefghijklmnopqrst';

/** Where its mark stands: rows from above, columns from the left. */
function placesOf(lines: readonly string[]): Map<string, { row: number; column: number }> {
  const found = lines.flatMap((line, row) => {
    const cells = line.slice(line.search(/[│┤]/) + 1);
    return /[│┤]/.test(line)
      ? [...cells].flatMap((mark, column) =>
          mark === ' ' ? [] : [[mark, { row, column }] as const],
        )
      : [];
  });
  return new Map(found);
}

describe('a plot of points', () => {
  it('has what costs ten times as much as far to the right again, and what is less further down', () => {
    const lines = scatter(
      [
        { mark: 'a', x: 100, y: 1 },
        { mark: 'b', x: 1000, y: 0.5 },
        { mark: 'c', x: 10_000, y: 0 },
      ],
      AXES,
    );
    const [a, b, c] = ['a', 'b', 'c'].map((mark) => placesOf(lines).get(mark));
    expect(a).toEqual({ row: 0, column: 0 });
    expect(b).toEqual({ row: 6, column: 32 });
    expect(c).toEqual({ row: 12, column: 64 });
    expect(lines[0]).toMatch(/^1\.00 ┤a$/);
    expect(lines.at(-1)).toMatch(/^ +100 ns +1000 ns +10000 ns$/);
  });

  it('hides no point behind another, wherever they are', () => {
    const places = fc.record({
      x: fc.double({ min: 1, max: 1e9, noNaN: true }),
      y: fc.double({ min: 0, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(places, { minLength: 1, maxLength: MARKS.length }),
        fc.boolean(),
        (all, together) => {
          const points: Point[] = all.map((point, i) => ({
            ...((together ? all[0] : undefined) ?? point),
            mark: MARKS.charAt(i),
          }));
          const marks = [...placesOf(scatter(points, AXES)).keys()].sort();
          expect(marks).toEqual(points.map(({ mark }) => mark));
        },
      ),
      { seed: 39 },
    );
  });

  it('of no points has no lines', () => {
    expect(scatter([], AXES)).toEqual([]);
  });
});

describe('a bar', () => {
  it.each([
    [0, ''],
    [0.005, '▏'],
    [0.5, '█'.repeat(12)],
    [0.52, `${'█'.repeat(12)}▌`],
    [1, '█'.repeat(24)],
    [7, '█'.repeat(24)],
    [-1, ''],
  ])('of %d is as long as that', (share, cells) => {
    expect(bar(share)).toBe(cells);
  });
});
