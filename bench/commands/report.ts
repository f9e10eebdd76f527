// `pageferry bench report RESULT.json`, and the report at the end of a run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorOf } from '../lib/errors.js';
import { root } from '../lib/places.js';
import { readResult, writeWhole } from '../result/file.js';
import type { Result } from '../result/schema.js';

export function htmlBeside(file: string): string {
  return `${file.replace(/\.json$/, '')}.html`;
}

/** What draws the report is not among the package's dependencies: who embeds the engine has no use for it. */
export function howToDraw(): string {
  const file = readFileSync(join(root, 'package.json'), 'utf8');
  const { devDependencies } = JSON.parse(file) as { devDependencies: Record<string, string> };
  const tested = ['@observablehq/plot', 'linkedom'].map(
    (name) => `${name}@${devDependencies[name]}`,
  );
  return `the report is drawn by packages that are not installed. Install them with: npm install ${tested.join(' ')}`;
}

/** Answers false where what draws it is not installed. */
export async function writeReport(result: Result, file: string): Promise<boolean> {
  // Loaded late: a run that ends early needs no plots.
  const renderer = await import('../report/index.js').catch((error: unknown) => {
    if (errorOf(error).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  if (renderer === undefined) return false;
  writeWhole(file, renderer.renderReport(result));
  return true;
}

export async function reportCommand(
  file: string,
  { html = htmlBeside(file) }: { readonly html?: string },
): Promise<void> {
  if (!(await writeReport(readResult(file), html))) throw new Error(howToDraw());
  process.stdout.write(`${html}\n`);
}
