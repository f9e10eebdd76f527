import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { Output } from '../../src/cli/output.js';
import { LiveView } from '../../src/cli/view/live-view.js';
import { printTable } from '../../src/cli/view/table.js';
import { STRATEGY_NAMES } from '../../src/index.js';
import type { MigrationReport } from '../../src/metrics/report.js';
import { sampleReport } from '../metrics/sample-report.js';

/** A terminal of so many columns that keeps what was written. */
class FakeTerminal extends Output {
  override readonly stream: WriteStream;
  override readonly colors = createColors(false);
  readonly #columns: number;
  text = '';

  constructor(columns: number) {
    super(undefined);
    this.#columns = columns;
    const write = (chunk: Buffer): void => {
      this.text += chunk;
    };
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        write(chunk);
        done();
      },
    });
    this.stream = Object.assign(stream, {
      isTTY: true,
      columns,
      rows: 40,
    }) as unknown as WriteStream;
  }

  override get columns(): number {
    return this.#columns;
  }

  get lines(): string[] {
    return this.text.split('\n').map((line) => line.trimEnd());
  }
}

const FOUR = STRATEGY_NAMES.map((strategy) => sampleReport({ strategy }));

function table(columns: number, reports: readonly MigrationReport[]): FakeTerminal {
  const terminal = new FakeTerminal(columns);
  printTable(terminal, reports);
  return terminal;
}

describe('the table', () => {
  it('has four strategies side by side in 80 columns, and no line is longer', () => {
    const { text, lines } = table(80, FOUR);
    expect(text).toMatch(/│ +│ stop-and-copy │ +pre-copy │ +post-copy │ +hybrid │/);
    expect(text).toMatch(/│ longest gap +│ +17\.5 ms │/);
    expect(text).toMatch(/Known to\s+100 µs\./);
    expect(text).toMatch(/│ lost +│ +610 ms │/);
    expect(text).toMatch(/│ ops\/s slowest +│ +12\.0k │/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('is one block for each strategy where that is too wide', () => {
    const { text, lines } = table(50, FOUR);
    expect(text).not.toContain('│');
    expect(text.match(/^ {2}longest gap +17\.5 ms$/gm)).toHaveLength(4);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
  });

  it('shows what was not measured as a dash, and how each migration ended', () => {
    const failed = sampleReport({
      outcome: 'failed',
      guestLocation: 'source',
      guestVerified: null,
      downtimeMs: null,
      demandFaults: 7,
      demandFaultsOverNetwork: 0,
      error: { code: 'PEER_GONE', message: 'gone' },
    });
    const lost = sampleReport({ ...failed, guestLocation: 'lost' });
    const different = sampleReport({ guestVerified: false });
    const { text } = table(80, [failed, lost, different]);
    expect(text).toMatch(/│ downtime +│ +– │ +– │ +12\.5 ms │/);
    expect(text).toMatch(/│ fault p99 +│ +– │ +– │ +250 µs │/);
    expect(text).toMatch(/│ outcome +│ +failed │ +lost │ +DIFFERENT │/);
  });

  it('is left out when nothing was ever sent', () => {
    expect(table(80, [sampleReport({ wireBytes: 0 })]).text).toBe('');
  });
});

describe('the live view', () => {
  it('has a line for each strategy that never exceeds the terminal', () => {
    const terminal = new FakeTerminal(60);
    const view = new LiveView(terminal, STRATEGY_NAMES);
    view.preparing('stop-and-copy');
    view.phase('copy-rounds');
    view.progress({
      phase: 'copy-rounds',
      elapsedMs: 100,
      round: 3,
      pagesSent: 50,
      wireBytes: 204_800,
      rateBytesPerSecond: 2 ** 30,
      dirtyPagesPerSecond: 12_345,
      pagesToSend: 100,
      pagesServed: 0,
    });
    view.ended(sampleReport({ strategy: 'stop-and-copy' }));
    view.close();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    const lines = terminal.text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').split('\n');
    expect(
      lines.some((line) => line.includes('✔ stop-and-copy  verified  longest gap 17.5 ms')),
    ).toBe(true);
    expect(lines.some((line) => line.includes('hybrid         waiting'))).toBe(true);
    expect(lines.findLast((line) => line.includes('hybrid'))).toContain('not begun');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});
