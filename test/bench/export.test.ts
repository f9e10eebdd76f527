/// <reference lib="dom" />
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { DOMParser } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { toCsv } from '#bench/export/csv.js';
import { COLUMN_NAMES, COLUMNS, samplesOf } from '#bench/export/samples.js';
import { figuresOf } from '#bench/report/index.js';
import type { Result } from '#bench/result/schema.js';
import { bench, newFolder, readResult } from './bench-command.js';

const FIXTURE = fileURLToPath(new URL('fixtures/result.json', import.meta.url));

function fixture(): Result {
  return readResult(FIXTURE);
}

function measuredRows({ rows }: Result) {
  return rows.flatMap((row) => (row.status === 'measured' ? row : []));
}

describe('a sample', () => {
  it('is there for each figure of each repetition, with what was measured beside it', () => {
    const result = fixture();
    const samples = samplesOf(result);
    const rows = measuredRows(result);
    expect(samples.map(({ value }) => value)).toEqual(
      rows.flatMap(({ measured }) => measured.samples),
    );
    expect(samples.map(({ baseline_value }) => baseline_value)).toEqual(
      rows.flatMap(
        ({ measured, baseline }) => baseline?.samples ?? measured.samples.map(() => null),
      ),
    );
    for (const sample of samples) {
      expect(Object.keys(sample).sort()).toEqual([...COLUMN_NAMES].sort());
      expect(sample).toMatchObject({ suite: 'fixture', kernel: result.environment.kernel });
    }
    const [second] = samples.filter(({ repetition }) => repetition === 1);
    const stolen = result.stolen.find(
      ({ scenario, repetition }) => scenario === second?.scenario && repetition === 1,
    );
    expect(second?.stolen_share).toBe(stolen?.share ?? null);
  });

  it('has its strategy from the key, and what its own migration was told', () => {
    const result = fixture();
    const [row] = measuredRows(result);
    if (row === undefined) throw new Error('no row was measured');
    const migrations = result.migrations.filter(
      ({ scenario, parameters }) => scenario === 'strategies' && parameters.dirtyRatio === 0.5,
    );
    const rows = ['pre-copy-total', 'total'].map((key) => ({
      ...row,
      scenario: 'strategies',
      key,
    }));
    const [first, other] = samplesOf({ ...result, rows, migrations }).filter(
      ({ repetition }) => repetition === 0,
    );
    expect(first).toMatchObject({
      strategy: 'pre-copy',
      figure: 'total',
      dirty_ratio: 0.5,
      engine: 'pageferry',
    });
    // Of four migrations it may be any.
    expect(other).toMatchObject({
      strategy: null,
      figure: 'total',
      dirty_ratio: null,
      engine: null,
    });
  });
});

describe('CSV', () => {
  it('has a line for each sample, and quotes what would end a field', () => {
    const result = fixture();
    const [row] = measuredRows(result);
    if (row === undefined) throw new Error('no row was measured');
    const samples = samplesOf({ ...result, rows: [{ ...row, title: 'a "b", c' }] });
    const lines = toCsv(samples).split('\r\n');
    expect(lines).toHaveLength(samples.length + 2);
    expect(lines[0]?.split(',')).toEqual(COLUMN_NAMES);
    expect(lines[1]).toContain(',"a ""b"", c",');
  });
});

describe('pageferry bench export', () => {
  it('writes the same samples as CSV, JSON and Parquet, and prints where', async () => {
    const out = newFolder();
    const { code, stdout } = await bench(
      'export',
      FIXTURE,
      '--csv',
      '--json',
      '--parquet',
      '--out',
      out,
    );
    expect(code).toBe(0);
    const files = ['csv', 'json', 'parquet'].map((kind) => join(out, `result.samples.${kind}`));
    expect(stdout.trim().split('\n')).toEqual(files);
    expect(readdirSync(out).sort()).toEqual(files.map((file) => basename(file)));
    const [csv = '', json = '', parquet = ''] = files;
    const samples = samplesOf(fixture());
    expect(readFileSync(csv, 'utf8')).toBe(toCsv(samples));
    const parsed: Record<string, unknown>[] = JSON.parse(readFileSync(json, 'utf8'));
    expect(parsed).toEqual(samples);

    const file = await asyncBufferFromFile(parquet);
    const read = await parquetReadObjects({ file });
    expect(read.map((one) => ({ ...one }))).toEqual(
      samples.map((sample) =>
        Object.fromEntries(
          COLUMN_NAMES.map((name) => [
            name,
            COLUMNS[name] === 'whole' && sample[name] !== null
              ? BigInt(sample[name] as number)
              : sample[name],
          ]),
        ),
      ),
    );
    const { schema } = await parquetMetadataAsync(file);
    expect(schema.find(({ name }) => name === 'dirty_ratio')?.type).toBe('DOUBLE');
  });

  it('writes each panel of the report as an SVG file that needs nothing else', async () => {
    const out = newFolder();
    const { code } = await bench('export', FIXTURE, '--svg', '--out', out);
    expect(code).toBe(0);
    const { lead, others } = figuresOf(fixture());
    const panels = [...lead, ...others].flatMap((section) => section.panels);
    const files = readdirSync(out);
    expect(files).toHaveLength(panels.length);
    expect(files).toContain('result.figure-1-1-downtime.svg');
    for (const name of files) {
      const text = readFileSync(join(out, name), 'utf8');
      expect(text, name).not.toMatch(/var\(|color-mix|&nbsp;|url\(|<style|<script|NaN|undefined/);
      const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
      expect(svg?.tagName, name).toBe('svg');
      expect(svg?.getAttribute('xmlns'), name).toBe('http://www.w3.org/2000/svg');
      expect(svg?.querySelectorAll('text').length, name).toBeGreaterThan(2);
    }
    const downtime = readFileSync(join(out, 'result.figure-1-1-downtime.svg'), 'utf8');
    for (const label of ['Downtime', 'stop-and-copy', 'hybrid', 'dirty rate ÷ link rate']) {
      expect(downtime).toContain(`>${label}</text>`);
    }
  });

  it('says what it cannot write where the folder is none', async () => {
    const { code, stderr } = await bench('export', FIXTURE, '--csv', '--out', FIXTURE);
    expect(stderr).toMatch(
      /^bench: cannot write \S+samples\.csv: \S+result\.json is not a folder\n$/,
    );
    expect(code).toBe(1);
  });

  it('asks for a format when it is told none', async () => {
    const { code, stderr } = await bench('export', FIXTURE);
    expect(stderr).toMatch(
      /^pageferry: USAGE: export as what\? Say one or more of --csv, --json, .*\n$/,
    );
    expect(code).toBe(2);
  });
});
