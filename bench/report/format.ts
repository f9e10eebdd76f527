// Figures as text: three significant digits, always with their unit.
import type {
  ComparedGuest,
  Environment,
  Migration,
  Row,
  Spread,
  Stolen,
  Target,
} from '../result/schema.js';
import { stallsDuring } from './select.js';

export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** `median unit [min … max]`; without the brackets when there is one sample. */
export function spread(
  { median, min, max, samples }: Omit<Spread, 'samples'> & Partial<Spread>,
  unit = '',
): string {
  const middle = `${number(median)}${unit === '' ? '' : ` ${unit}`}`;
  return samples?.length === 1 ? middle : `${middle} [${number(min)} … ${number(max)}]`;
}

export function targetText(target: Target | null, unit: string): string {
  if (target === null) return '–';
  const limit = targetLimit(target).toLocaleString('en-US', { maximumSignificantDigits: 6 });
  const suffix = target.figure === 'ratio' ? ' ×' : ` ${unit}`;
  if (target.atLeast !== undefined) return `≥ ${limit}${suffix}`;
  if (target.below !== undefined) return `< ${limit}${suffix}`;
  return `≤ ${limit}${suffix}`;
}

/** What the target compares with. */
export function targetLimit({ atLeast, below, atMost }: Target): number {
  return atLeast ?? below ?? atMost ?? Number.NaN;
}

export function verdict({ status, met }: Row): string {
  if (status !== 'measured') return status;
  return met === null ? '–' : met ? 'yes' : 'no';
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1 ? 0 : Math.min(4, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${Number.isInteger(value) ? value : number(value)} ${units[power]}`;
}

/** A link's rate, in bits as links are sold; null is a link without a limit. */
export function linkRate(bytesPerSecond: number | null): string {
  if (bytesPerSecond === null) return 'no limit';
  const bits = bytesPerSecond * 8;
  return bits >= 1e9
    ? `${Number((bits / 1e9).toPrecision(3))} Gbit/s`
    : `${Number((bits / 1e6).toPrecision(3))} Mbit/s`;
}

/** A share as the percentage that it is: 95 %, 93.8 %. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

export function milliseconds(ms: number): string {
  return ms >= 10_000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`;
}

/** One number, or from the least to the most. */
function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const text = (value: number) => value.toLocaleString('en-US');
  return least === most ? text(least) : `${text(least)} to ${text(most)}`;
}

/** How much of the guests that arrived was compared; null where nobody has looked. */
export function comparedText(guests: readonly ComparedGuest[]): string | null {
  if (guests.length === 0) return null;
  const sampled = guests.filter(({ pages, pagesCompared }) => pagesCompared < pages);
  const whole = guests.length - sampled.length;
  if (sampled.length === 0) return `every page in ${whole} of ${whole}`;
  const compared = range(sampled.map(({ pagesCompared }) => pagesCompared));
  const some = `${compared} of ${range(sampled.map(({ pages }) => pages))} pages`;
  return whole === 0
    ? `${some} in ${sampled.length} of ${sampled.length}`
    : `every page in ${whole} of ${guests.length}, ${some} in the others`;
}

/** The same of one scenario. */
export function comparedIn(guests: readonly ComparedGuest[], scenario: string): string | null {
  return comparedText(guests.filter((one) => one.scenario === scenario));
}

/** The day and minute of an ISO time, in UTC. */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** `5 repetitions`, of which the figures are: a scenario that takes long has fewer than was asked for. */
export function repetitionsText(repetitions: number, rows: readonly Row[]): string {
  const counts = rows.flatMap((row) =>
    row.status === 'measured' ? [row.measured.samples.length] : [],
  );
  const fewest = Math.min(repetitions, ...counts);
  if (fewest !== repetitions) return `${fewest} to ${repetitions} repetitions`;
  return repetitions === 1 ? '1 repetition' : `${repetitions} repetitions`;
}

/** The first of the highest; undefined when there is none. */
function highest<Item>(items: readonly Item[], of: (item: Item) => number): Item | undefined {
  let [top] = items;
  for (const item of items) if (top !== undefined && of(item) > of(top)) top = item;
  return top;
}

/** How much processor time the host of a virtual machine withheld during the samples; null when none. */
export function stolenText(stolen: readonly Stolen[]): string | null {
  const worst = highest(stolen, ({ share }) => share);
  if (worst === undefined || worst.share === 0) return null;
  const mean = stolen.reduce((sum, { share }) => sum + share, 0) / stolen.length;
  const withheld = (share: number) => `${number(share * 100)} %`;
  return `The host withheld ${withheld(mean)} of the processor time during a sample on average, and ${withheld(worst.share)} during sample ${worst.repetition + 1} of ${worst.scenario}`;
}

/** For how long a core stood still at most while something was migrated; null when none did. */
export function stallsText(migrations: readonly Migration[]): string | null {
  const stalls = migrations.flatMap((migration) =>
    stallsDuring(migration).map(({ ms }) => ({ ms, of: migration })),
  );
  const longest = highest(stalls, ({ ms }) => ms);
  if (longest === undefined) return null;
  const { repetition, scenario } = longest.of;
  const others =
    stalls.length > 1
      ? `, the longest of ${stalls.length.toLocaleString('en-US')} such stalls`
      : '';
  return `A core stood still for ${milliseconds(longest.ms)} during sample ${repetition + 1} of ${scenario}${others}`;
}

/** What was measured on, in one line. */
export function machine({ kernel, cpu, cores, memoryBytes }: Environment): string {
  return `Linux ${kernel}, ${cores} × ${cpu}, ${Math.round(memoryBytes / 2 ** 30)} GiB`;
}
