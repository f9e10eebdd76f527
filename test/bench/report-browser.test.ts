import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '#bench/report/index.js';
import { resultSchema } from '#bench/result/schema.js';
import { findEmptyPlots, findFaintTexts } from './in-page.js';

function findChromium(): string | null {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
      // The next one may be there.
    }
  }
  return null;
}

const executablePath = findChromium();
const skipped = executablePath === null ? ' (skipped: no chromium on PATH)' : '';

const VIEWS = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 900 },
  { colorScheme: 'light', width: 730 },
  { colorScheme: 'light', width: 380 },
  { colorScheme: 'dark', width: 380 },
] as const;

describe.skipIf(executablePath === null)(`the report in a browser${skipped}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-report-'));
  const file = join(folder, 'report.html');
  let browser: Browser;

  beforeAll(async () => {
    const fixture = readFileSync(new URL('fixtures/result.json', import.meta.url), 'utf8');
    writeFileSync(file, renderReport(v.parse(resultSchema, JSON.parse(fixture))));
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      // The only page is our own; root cannot have the sandbox.
      args: ['--no-sandbox'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open({ colorScheme, width }: (typeof VIEWS)[number]) {
    const complaints: string[] = [];
    const page: Page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(?:file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    return { page, complaints };
  }

  it.each(VIEWS)('shows every plot, $colorScheme, $width px wide', async (view) => {
    const { page, complaints } = await open(view);
    expect(await page.locator('svg').count()).toBeGreaterThan(40);
    expect(await page.evaluate(findEmptyPlots)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(VIEWS)('never scrolls sideways, $colorScheme, $width px wide', async (view) => {
    const { page } = await open(view);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(view.width);
    await page.close();
  });

  it.each(VIEWS)('can be read, $colorScheme, $width px wide', async (view) => {
    const { page } = await open(view);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
    await page.close();
  });

  it('has another background in the dark', async () => {
    const background = async (view: (typeof VIEWS)[number]) => {
      const { page } = await open(view);
      return page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    };
    expect(await background(VIEWS[0])).not.toBe(await background(VIEWS[1]));
  });
});
