// What each policy of `bench codecs` comes to over all images: for each link the mean of its ratios, and the worst of them.
import { CODECS_SUITE, linkOfScenario, RATIOS } from '../codecs/names.js';
import type { MeasuredRow, Result } from '../result/schema.js';
import { number } from './format.js';
import { groupBy } from './select.js';

export interface OverviewCell {
  readonly mean: number;
  readonly worst: number;
  readonly images: number;
}

/** Of one ratio. */
export interface Overview {
  readonly title: string;
  readonly policies: readonly string[];
  readonly links: readonly {
    readonly link: string;
    /** By the policy. */
    readonly cells: ReadonlyMap<string, OverviewCell>;
  }[];
}

interface Ratio {
  readonly policy: string;
  readonly figure: string;
  readonly link: string;
  readonly median: number;
}

function ratioOf({ key, scenario, measured }: MeasuredRow): Ratio {
  const [policy = '', figure = ''] = key.split('/');
  return { policy, figure, link: linkOfScenario(scenario), median: measured.median };
}

function cellOf(ratios: readonly Ratio[]): OverviewCell {
  const medians = ratios.map(({ median }) => median);
  const sum = medians.reduce((total, median) => total + median, 0);
  return { mean: sum / medians.length, worst: Math.max(...medians), images: medians.length };
}

/** What the figures of `bench codecs` mean. */
export const CODECS_LEGEND =
  'Ratios are of migrations of the same sample. lz4-page is the engine with blocks of one page: zero pages, and LZ4 of each other page by itself. The best fixed policy is the fastest of those that a user may choose instead of auto.';

/** None for a result of another suite. */
export function overviewsOf({ suite, rows }: Pick<Result, 'suite' | 'rows'>): Overview[] {
  if (suite !== CODECS_SUITE) return [];
  const ratios = rows.flatMap((row) => (row.status === 'measured' ? [ratioOf(row)] : []));
  const policies = [...new Set(ratios.map(({ policy }) => policy))];
  return Object.entries(RATIOS).flatMap(([figure, title]) => {
    const own = ratios.filter((ratio) => ratio.figure === figure);
    const links = [...groupBy(own, ({ link }) => link)].map(([link, ofLink]) => ({
      link,
      cells: new Map(
        [...groupBy(ofLink, ({ policy }) => policy)].map(([policy, found]) => [
          policy,
          cellOf(found),
        ]),
      ),
    }));
    return links.length === 0 ? [] : [{ title, policies, links }];
  });
}

/** `0.55 (0.61)`; of one image there is no worst. */
export function overviewText(cell: OverviewCell | undefined): string {
  if (cell === undefined) return '–';
  const { mean, worst, images } = cell;
  return images === 1 ? number(mean) : `${number(mean)} (${number(worst)})`;
}
