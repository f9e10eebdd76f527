/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { renderReport } from '#bench/report/index.js';
import { toMarkdown } from '#bench/report/markdown.js';
import { guestSteps, smoothed, steps } from '#bench/report/rates.js';
import { type Result, resultSchema, type Timeline } from '#bench/result/schema.js';

const fixture = readFileSync(new URL('fixtures/result.json', import.meta.url), 'utf8');

function readFixture(): Result {
  return v.parse(resultSchema, JSON.parse(fixture));
}

/** Of the fixture, those that arrived and were watched. */
function timelinesOf({ migrations }: Result): Timeline[] {
  return migrations.flatMap(({ timeline }) => timeline ?? []);
}

function render(result = readFixture()) {
  const text = renderReport(result);
  return { text, document: parseHTML(text).document };
}

function headings(result: Result): string[] {
  const { document } = render(result);
  return [...document.querySelectorAll('h2')].map(({ textContent }) => textContent);
}

function plots(document: Document): Element[] {
  return [...document.querySelectorAll('svg')];
}

/** Every number in a path, and the coordinates of what is no path. */
function coordinates(mark: Element): { x: number[]; y: number[] } {
  const value = (name: string) => Number(mark.getAttribute(name) ?? 0);
  const shift = /translate\(([-\d.]+),([-\d.]+)\)/.exec(mark.getAttribute('transform') ?? '');
  const [dx, dy] = shift === null ? [0, 0] : [Number(shift[1]), Number(shift[2])];
  if (mark.tagName.toLowerCase() === 'rect') {
    return {
      x: [value('x'), value('x') + value('width')],
      y: [value('y'), value('y') + value('height')],
    };
  }
  const pairs = [...(mark.getAttribute('d') ?? '').matchAll(/(-?[\d.]+),(-?[\d.]+)/g)];
  // A symbol's own outline is around its place.
  if (shift !== null) return { x: [dx], y: [dy] };
  return { x: pairs.map(([, x]) => Number(x)), y: pairs.map(([, , y]) => Number(y)) };
}

function marksOf(plot: Element): Element[] {
  return [...plot.querySelectorAll('path, rect, circle')].filter(
    (mark) => !/(?:axis|grid)/.test(mark.closest('g')?.getAttribute('aria-label') ?? ''),
  );
}

describe('the report', () => {
  it('is one file that loads nothing and runs nothing', () => {
    const { text, document } = render();
    expect(document.querySelectorAll('script, img, iframe, link[rel="stylesheet"]')).toHaveLength(
      0,
    );
    const ownAddresses = /http:\/\/www\.w3\.org\/[\w/]+/g;
    expect(text.replaceAll(ownAddresses, '')).not.toMatch(/https?:\/\/|@import|url\(/);
  });

  it('has a section for every kind of data that the result holds', () => {
    expect(headings(readFixture())).toEqual([
      'The strategies against the dirty rate',
      'Results',
      'Beside the baseline of the same run',
      'Pageferry and QEMU',
      'Time lines',
      'The guest around the switchover',
      'Fault latency',
      'Pages and bytes',
      'The cost of size',
      'The run',
      'Methods',
    ]);
  });

  it('leaves out the plots that there is no data for', () => {
    const bare = { ...readFixture(), rows: [], migrations: [], distributions: [] };
    expect(headings(bare)).toEqual(['Results', 'The run', 'Methods']);
  });

  it('finds many ratios by their scenario, and writes small ones out on the axis', () => {
    const result = readFixture();
    const row = result.rows.find((one) => one.status === 'measured' && one.ratio !== null);
    if (row === undefined) throw new Error('no row has a ratio');
    const ratio = { median: 0.0005, min: 0.0004, max: 0.5, samples: [0.0004, 0.0005, 0.5] };
    result.rows = Array.from({ length: 30 }, (_, i) => ({
      ...row,
      ratio,
      scenario: i < 20 ? 'many' : 'few',
      key: `row-${i}`,
      title: `row ${i}`,
      better: 'lower',
    }));
    const { document } = render(result);
    const titles = [...document.querySelectorAll('h3')].map(({ textContent }) => textContent);
    expect(titles.filter((title) => title.endsWith('lower is better'))).toEqual([
      'many: lower is better',
      'many: lower is better',
      'few: lower is better',
    ]);
    const texts = [...document.querySelectorAll('svg text')].map(({ textContent }) => textContent);
    expect(texts).toContain('0.001');
    expect(texts).not.toContain('0.00');
  });

  it('tells rows apart that differ at the end of a long title', () => {
    const result = readFixture();
    const row = result.rows.find((one) => one.status === 'measured' && one.ratio !== null);
    if (row === undefined) throw new Error('no row has a ratio');
    const title = (peer: string) => `${'a guest of the same memory, '.repeat(4)}QEMU: ${peer}`;
    result.rows = ['multifd', 'preempt'].map((peer) => ({ ...row, key: peer, title: title(peer) }));
    const texts = [...render(result).document.querySelectorAll('svg text')]
      .map(({ textContent }) => textContent ?? '')
      .filter((text) => text.startsWith('a guest of'));
    expect(texts.filter((text) => text.endsWith('QEMU: multifd'))).toHaveLength(1);
    expect(texts.filter((text) => text.endsWith('QEMU: preempt'))).toHaveLength(1);
  });

  it('says once for each scenario how much of its guests was compared', () => {
    const { rows, ...result } = readFixture();
    const [row] = rows;
    if (row === undefined) throw new Error('there is no row');
    const { document } = render({
      ...result,
      rows: ['total', 'downtime'].map((key) => ({ ...row, scenario: 'far', key })),
      compared: [{ scenario: 'far', repetition: 0, pages: 4096, pagesCompared: 1024 }],
    });
    const text = document.querySelector('table')?.textContent ?? '';
    expect(text.match(/1,024 of 4,096 pages in 1 of 1/g)).toHaveLength(1);
  });

  it('draws a migration without report or time line, and one that failed, as absent', () => {
    const result = readFixture();
    for (const migration of result.migrations) migration.timeline = null;
    const [first, second] = result.migrations;
    if (first !== undefined) first.report = null;
    if (second?.report) second.report.outcome = 'failed';
    expect(headings(result)).not.toContain('Time lines');
  });

  it('draws what a peer’s migration tells when most of it is unknown', () => {
    const result = readFixture();
    const [first] = result.migrations;
    if (first === undefined) throw new Error('the fixture has no migration');
    const { strategy } = first.parameters;
    result.migrations.push({
      ...first,
      label: 'peer',
      parameters: { ...first.parameters, engine: 'qemu' },
      report: { strategy, outcome: 'completed', totalMs: 1072, downtimeMs: null },
      timeline: null,
    });
    const { document } = render(result);
    expect(document.body.textContent).toContain('strategies: peer');
    expectSound(plots(document));
  });

  it('says why a row was skipped or failed, and escapes what others wrote', () => {
    const { document, text } = render();
    expect(document.body.textContent).toContain('skipped: needs root');
    expect(text).toContain('the destination &lt;closed&gt; the page channel &amp; left');
  });

  it('says that a run is unfinished, and that the machine was not quiet', () => {
    const result = { ...readFixture(), finishedAt: null };
    result.environment = { ...result.environment, quiet: false, othersCpuShare: 0.31 };
    const { document } = render(result);
    const warnings = [...document.querySelectorAll('.warning')].map((one) => one.textContent);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain('31 %');
  });

  it('says how much processor time the host withheld, and during which sample most', () => {
    const said =
      'withheld 1.30 % of the processor time during a sample on average, and 3.40 % during';
    const { document } = render();
    expect(document.querySelector('#run')?.textContent).toContain(`${said} sample 2 of round-0`);
    expect(toMarkdown(readFixture())).toContain(`The host ${said} sample 2 of round-0.`);
    expect(toMarkdown({ ...readFixture(), stolen: [] })).not.toContain('withheld');
  });
});

function expectSound(found: Element[]) {
  for (const plot of found) {
    const name = plot.getAttribute('aria-label');
    expect(plot.outerHTML, `${name}`).not.toMatch(/NaN|undefined|Infinity|d=""/);
    const marks = marksOf(plot);
    expect(marks.length, `marks of ${name}`).toBeGreaterThan(0);
    const [, , width, height] = (plot.getAttribute('viewBox') ?? '').split(' ').map(Number);
    for (const { x, y } of marks.map(coordinates)) {
      for (const one of x) expect(one, `x in ${name}`).toBeGreaterThanOrEqual(-1);
      for (const one of x) expect(one, `x in ${name}`).toBeLessThanOrEqual((width ?? 0) + 1);
      for (const one of y) expect(one, `y in ${name}`).toBeGreaterThanOrEqual(-1);
      for (const one of y) expect(one, `y in ${name}`).toBeLessThanOrEqual((height ?? 0) + 1);
    }
  }
}

describe('every plot', () => {
  it('has marks, all of them within it and none without a place', () => {
    const { document } = render();
    expect(plots(document).length).toBeGreaterThan(40);
    expectSound(plots(document));
  });

  it('has room for what was watched before the migration began', () => {
    const result = readFixture();
    for (const { source } of timelinesOf(result)) {
      const [first] = source;
      if (first !== undefined) source.unshift({ ...first, atMs: first.atMs - 10_000 });
    }
    const { document } = render(result);
    expectSound(plots(document));
  });

  it('is an image with a text, in a figure with a caption', () => {
    const { document } = render();
    for (const plot of plots(document)) {
      expect(plot.getAttribute('role')).toBe('img');
      expect(plot.getAttribute('aria-label')?.length).toBeGreaterThan(20);
      expect(plot.closest('figure')?.querySelector('figcaption')?.textContent).toMatch(
        /^Figure \d/,
      );
      expect(plot.closest('.panel')?.querySelector('h3')?.textContent).not.toBe('');
    }
  });

  it('has its colours from the page alone', () => {
    const { document } = render();
    for (const plot of plots(document)) {
      expect(plot.outerHTML).not.toMatch(/(?:fill|stroke)="(?:#|rgb|black|white|steelblue)/);
    }
  });
});

describe('a core that stood still', () => {
  const NAME = 'a core stood still';
  const AREAS = '[fill="var(--stall)"] rect';
  const LABEL = 'pre-copy, dirty ÷ link 0.5';
  const SAID =
    'A core stood still for 60.0 ms during sample 1 of strategies, the longest of 3 such stalls';

  /** Before the migration, during it on both cores, across its end, and after it. */
  function withStalls() {
    const result = readFixture();
    const migration = result.migrations.find(({ label, timeline }) => label === LABEL && timeline);
    const endMs = migration?.report?.totalMs ?? 0;
    if (!migration?.timeline) throw new Error(`the fixture has no time line of ${LABEL}`);
    migration.timeline.stalls = [
      { core: 0, atMs: -90, ms: 80 },
      { core: 0, atMs: 300, ms: 31.2 },
      { core: 1, atMs: 310, ms: 21.2 },
      { core: 1, atMs: endMs - 10, ms: 60 },
      { core: 0, atMs: endMs + 5, ms: 70 },
    ];
    return { result, endMs };
  }

  function legendOf(document: Document): (string | null)[] {
    return [...document.querySelectorAll('.legend li')].map(({ textContent }) => textContent);
  }

  /** Milliseconds at a place of the plot, by the labels of its axis. */
  function timeAxis(plot: Element): (x: number) => number {
    const labels = [...plot.querySelectorAll('[aria-label="x-axis tick label"] text')];
    const [first, second] = labels.map((label) => ({
      ms: Number(label.textContent),
      x: coordinates(label).x[0] ?? Number.NaN,
    }));
    if (first === undefined || second === undefined) throw new Error('an axis without labels');
    return (x) => first.ms + ((x - first.x) / (second.x - first.x)) * (second.ms - first.ms);
  }

  it('is an area behind every strip of its migration, from when to when it did', () => {
    const { result, endMs } = withStalls();
    expect(v.is(resultSchema, result)).toBe(true);
    const { document } = render(result);
    const panel = [...document.querySelectorAll('.panel')].find(
      (one) => one.querySelector('h3')?.textContent === LABEL && one.querySelector('svg'),
    );
    const strips = [...(panel?.querySelectorAll('svg') ?? [])];
    expect(strips.length).toBeGreaterThan(1);
    const at = timeAxis(strips.at(-1) as Element);
    for (const strip of strips) {
      const areas = [...strip.querySelectorAll(AREAS)];
      const times = areas.map((area) => coordinates(area).x.map((x) => Math.round(at(x))));
      expect(times).toEqual([[300, 331], [310, 331], [endMs - 10, endMs].map(Math.round)]);
    }
    const marked = plots(document).filter((plot) => plot.querySelector(AREAS));
    expect(marked).toHaveLength(strips.length);
    expect(legendOf(document)).toContain(NAME);
    expect(panel?.closest('figure')?.querySelector('figcaption')?.textContent).toContain(
      'due on it every 2 ms',
    );
    expectSound(plots(document));
  });

  it('is told beside what the host withheld, the longest with its sample', () => {
    const { result } = withStalls();
    const { document } = render(result);
    expect(document.querySelector('#run')?.textContent).toContain(SAID);
    expect(toMarkdown(result)).toContain(`\n${SAID}.\n`);
  });

  it('is told of one as of one', () => {
    const { result } = withStalls();
    for (const { stalls } of timelinesOf(result)) stalls?.splice(2);
    expect(toMarkdown(result)).toContain(
      '\nA core stood still for 31.2 ms during sample 1 of strategies.\n',
    );
  });

  it.each([
    ['of results from before it was watched', undefined],
    ['where it could not be watched', null],
    ['where none did', []],
  ])('is not mentioned %s', (_, stalls) => {
    const written: v.InferInput<typeof resultSchema> = readFixture();
    for (const { timeline } of written.migrations) if (timeline) timeline.stalls = stalls;
    const result = v.parse(resultSchema, written);
    const { document } = render(result);
    expect(legendOf(document)).not.toContain(NAME);
    expect(document.querySelector('#run')?.textContent).not.toContain('stood still');
    expect(toMarkdown(result)).not.toContain('stood still');
  });
});

describe('rates', () => {
  const reading = (atMs: number, operations: number | null) => ({ atMs, operations });

  it('skip readings without a count', () => {
    const found = steps([reading(0, 0), reading(5, null), reading(10, 20)], 'operations');
    expect(found).toEqual([{ startMs: 0, endMs: 10, perSecond: 2000 }]);
  });

  it('of the guest are nothing while it is away, and lose no operation', () => {
    const timeline = {
      source: [reading(0, 0), reading(10, 100), reading(20, 120)],
      destination: [reading(16, null), reading(31, 120), reading(40, 210)],
      pausedAtMs: 11,
      resumedAtMs: 30,
    };
    const found = guestSteps(timeline);
    const done = found.reduce((sum, s) => sum + (s.perSecond * (s.endMs - s.startMs)) / 1000, 0);
    expect(done).toBeCloseTo(210);
    expect(found.find(({ isAway }) => isAway)).toMatchObject({
      startMs: 11,
      endMs: 30,
      perSecond: 0,
    });
  });

  it('are joined without changing their sum, and never across the time away', () => {
    const found = [
      { startMs: 0, endMs: 4, perSecond: 100 },
      { startMs: 4, endMs: 8, perSecond: 300 },
      { startMs: 8, endMs: 10, perSecond: 0, isAway: true },
      { startMs: 10, endMs: 14, perSecond: 500 },
    ];
    expect(smoothed(found, 50).map(({ perSecond }) => perSecond)).toEqual([200, 0, 500]);
  });
});

describe('the Markdown table', () => {
  it('has one line for each row, with figures and targets', () => {
    const result = readFixture();
    const lines = toMarkdown(result).split('\n');
    const table = lines.filter((line) => line.startsWith('| '));
    expect(table).toHaveLength(result.rows.length + 2);
    expect(table[2]).toContain('| 6.00 GB/s [4.45 … 6.22] |');
    expect(table.join('\n')).toContain('| skipped: needs root');
  });

  it('keeps a reason with a bar or a line break in its cell', () => {
    const result = readFixture();
    const row = result.rows.find(({ status }) => status === 'failed');
    if (row?.status !== 'failed') throw new Error('no row of the fixture has failed');
    row.reason = 'one | two\nthree';
    expect(toMarkdown({ ...result, rows: [row] })).toContain('failed: one \\| two three |');
  });
});
