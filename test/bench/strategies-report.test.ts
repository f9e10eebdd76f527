/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { summarize } from '#bench/lib/statistics.js';
import { figuresOf, renderReport } from '#bench/report/index.js';
import { toMarkdown } from '#bench/report/markdown.js';
import { type Result, type Row, resultSchema } from '#bench/result/schema.js';
import { STRATEGY_NAMES } from '#engine/index.js';

const fixture = readFileSync(new URL('fixtures/result.json', import.meta.url), 'utf8');

/** Its scenario `strategies` is the four strategies at three dirty rates, two repetitions each. */
function readFixture(): Result {
  return v.parse(resultSchema, JSON.parse(fixture));
}

function strategyRow(scenario: string, strategy: string, samples: readonly number[]): Row {
  return {
    scenario,
    key: `${strategy}-downtime`,
    title: `${strategy}, dirty ratio 0.5, 1gbit: downtime`,
    unit: 'ms',
    better: 'lower',
    target: null,
    met: null,
    status: 'measured',
    measured: summarize(samples),
    baseline: null,
    ratio: null,
    details: [],
  };
}

/** Two scenarios of all strategies, in another order than theirs. */
function withStrategyRows(): Result {
  const rows = ['first', 'second'].flatMap((scenario) =>
    [...STRATEGY_NAMES]
      .reverse()
      .map((strategy, i) => strategyRow(scenario, strategy, [i + 1, i + 3])),
  );
  return { ...readFixture(), rows };
}

function documentOf(result: Result) {
  return parseHTML(renderReport(result)).document;
}

function lead(result: Result) {
  return figuresOf(result).lead;
}

/** The plots of the lead figure as elements, by the titles of their panels. */
function leadPlots(result: Result): Map<string, Element> {
  const panels = [...documentOf(result).querySelectorAll('section')][0]?.querySelectorAll('.panel');
  return new Map(
    [...(panels ?? [])].map((panel) => [
      panel.querySelector('h3')?.textContent ?? '',
      panel.querySelector('svg') as unknown as Element,
    ]),
  );
}

function marksOf(plot: Element | undefined, kind: string, strategy: string): Element[] {
  const groups = [...(plot?.querySelectorAll(`[aria-label="${kind}"]`) ?? [])];
  return groups
    .filter((group) => group.outerHTML.includes(`var(--${strategy})`))
    .flatMap((group) => [...group.children]);
}

function yLabels(plot: Element | undefined): (string | null)[] {
  return [...(plot?.querySelectorAll('[aria-label="y-axis tick label"] text') ?? [])].map(
    ({ textContent }) => textContent,
  );
}

function setLost(result: Result, lostMs: number): void {
  for (const { report } of result.migrations) if (report?.guest) report.guest.lostMs = lostMs;
}

describe('the figure that leads the report', () => {
  it('comes before the tables, its panels in a fixed order, its strategies in theirs', () => {
    const result = readFixture();
    setLost(result, 30);
    const [first] = lead(result);
    expect(first?.panels.map(({ title }) => title)).toEqual([
      'Downtime',
      'Longest gap',
      'Lost time',
      'Total migration time',
      'Sent',
    ]);
    expect(first?.legend?.map(({ label }) => label)).toEqual([...STRATEGY_NAMES]);
    const [section] = documentOf(result).querySelectorAll('section');
    expect(section?.querySelector('h2')?.textContent).toBe('The strategies against the dirty rate');
  });

  it('is the same in whatever order the strategies ran', () => {
    const result = readFixture();
    const turned = { ...result, migrations: [...result.migrations].reverse() };
    const titles = (one: Result) =>
      lead(one).map(({ legend, panels }) => [legend, panels.map(({ title }) => title)]);
    expect(titles(turned)).toEqual(titles(result));
  });

  it('shows every migration as a dot beside the median, and names the interval', () => {
    const result = readFixture();
    const plot = leadPlots(result).get('Downtime');
    for (const strategy of STRATEGY_NAMES) {
      const own = result.migrations.filter(
        ({ scenario, parameters }) => scenario === 'strategies' && parameters.strategy === strategy,
      );
      const values = new Set(own.map(({ parameters }) => parameters.dirtyRatio)).size;
      expect(marksOf(plot, 'dot', strategy), strategy).toHaveLength(own.length + values);
      expect(marksOf(plot, 'rule', strategy), strategy).toHaveLength(values);
    }
    expect(lead(result)[0]?.caption).toContain('order-statistic interval of the median');
    expect(lead(result)[0]?.caption).toContain('50 % of 2 samples');
  });

  it('has all times on one scale', () => {
    const plots = leadPlots(readFixture());
    const labels = yLabels(plots.get('Downtime'));
    expect(labels.length).toBeGreaterThan(1);
    expect(yLabels(plots.get('Longest gap'))).toEqual(labels);
    expect(yLabels(plots.get('Total migration time'))).toEqual(labels);
  });

  it('draws time that was not lost hollow on the lower edge, and says so', () => {
    const result = readFixture();
    setLost(result, -3);
    const dots = marksOf(leadPlots(result).get('Lost time'), 'dot', 'pre-copy');
    expect(dots.length).toBeGreaterThan(0);
    expect(dots.every((dot) => dot.getAttribute('fill') === 'var(--paper)')).toBe(true);
    expect(lead(result)[0]?.caption).toContain('hollow on its lower edge');
    expect(lead(readFixture())[0]?.caption).not.toContain('hollow');
  });

  it('leaves out what no migration told', () => {
    const result = readFixture();
    for (const { report } of result.migrations) delete report?.guest?.lostMs;
    expect(lead(result)[0]?.panels.map(({ title }) => title)).not.toContain('Lost time');
  });

  it('is drawn for each factor that was varied alone, never across others', () => {
    const result = readFixture();
    const [one] = result.migrations;
    if (one === undefined) throw new Error('the fixture has no migration');
    const with_ = (changed: object) => ({
      ...one,
      parameters: { ...one.parameters, dirtyRatio: 0.5, workload: 'sequential', ...changed },
    });
    const titles = (migrations: Result['migrations']) =>
      lead({ ...result, migrations }).map(({ title }) => title);
    const link = { linkBytesPerSecond: 12.5e6 };
    expect(titles([with_({}), with_(link)])).toEqual(['The strategies against the link']);
    expect(titles([with_({}), with_({ fill: 'zero' })])).toEqual([
      'The strategies against the content',
    ]);
    expect(titles([with_({}), with_({ ...link, fill: 'zero' })])).toEqual([]);
    expect(titles([with_({}), with_({ dirtyRatio: 2, workload: 'random' })])).toEqual([]);
    // A guest that writes nothing runs no workload.
    expect(titles([with_({}), with_({ dirtyRatio: 0, workload: 'idle' })])).toEqual([
      'The strategies against the dirty rate',
    ]);
  });

  it('is not there for a suite without strategies', () => {
    const result = readFixture();
    result.migrations = result.migrations.filter(({ scenario }) => scenario !== 'strategies');
    expect(lead(result)).toEqual([]);
  });
});

describe('the table of cases × strategies', () => {
  it('has a line for each case and a column for each strategy, in their order', () => {
    const table = documentOf(withStrategyRows()).querySelector('table.matrix');
    const heads = [...(table?.querySelectorAll('thead th') ?? [])].map((one) => one.textContent);
    expect(heads).toEqual(['Case', ...STRATEGY_NAMES]);
    const lines = [...(table?.querySelectorAll('tbody tr:not(.scenario)') ?? [])];
    expect(lines).toHaveLength(2);
    const cells = [...(lines[0]?.querySelectorAll('td') ?? [])].map((one) => one.textContent);
    expect(cells).toEqual([
      '5.00 [4.00 … 6.00]',
      '4.00 [3.00 … 5.00]',
      '3.00 [2.00 … 4.00]',
      '2.00 [1.00 … 3.00]',
    ]);
    expect(table?.querySelector('tr.scenario')?.textContent).toBe('downtime, ms');
  });

  it('takes the place of the rows, and leaves out the columns that nothing is in', () => {
    const result = withStrategyRows();
    expect(documentOf(result).querySelector('table.rows')).toBeNull();
    expect(documentOf(result).querySelector('.lead')?.textContent).not.toContain('targets');
    const mixed = { ...result, rows: [...result.rows, strategyRow('third', 'hybrid', [1])] };
    const heads = [...documentOf(mixed).querySelectorAll('table.rows thead th')];
    expect(heads.map((one) => one.textContent)).toEqual(['Case', 'Measured']);
  });

  it('says in its cell why there is no figure', () => {
    const result = withStrategyRows();
    const [first, ...others] = result.rows;
    if (first?.status !== 'measured') throw new Error('not measured');
    const { scenario, key, title, unit, better } = first;
    const skipped: Row = {
      scenario,
      key,
      title,
      unit,
      better,
      target: null,
      met: null,
      status: 'skipped',
      reason: 'no root',
    };
    const rows = [skipped, ...others];
    expect(documentOf({ ...result, rows }).querySelector('table.matrix')?.textContent).toContain(
      'skipped: no root',
    );
    expect(toMarkdown({ ...result, rows })).toContain('| skipped: no root |');
  });

  it('is the same in Markdown', () => {
    const lines = toMarkdown(withStrategyRows()).split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '| downtime, ms | stop-and-copy | pre-copy | post-copy | hybrid |',
      '| --- | --- | --- | --- | --- |',
      '| dirty ratio 0.5, 1gbit | 5.00 [4.00 … 6.00] | 4.00 [3.00 … 5.00] | 3.00 [2.00 … 4.00] | 2.00 [1.00 … 3.00] |',
      '| dirty ratio 0.5, 1gbit | 5.00 [4.00 … 6.00] | 4.00 [3.00 … 5.00] | 3.00 [2.00 … 4.00] | 2.00 [1.00 … 3.00] |',
    ]);
  });
});
