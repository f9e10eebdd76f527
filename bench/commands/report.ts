// `pageferry bench report RESULT.json`, and the report at the end of a run.
import { howToInstall, loadIfInstalled, PLOT_PACKAGES } from '../lib/optional-packages.js';
import { readResult, writeWhole } from '../result/file.js';
import type { Result } from '../result/schema.js';

export function htmlBeside(file: string): string {
  return `${file.replace(/\.json$/, '')}.html`;
}

/** Answers false where what draws it is not installed. */
export async function writeReport(result: Result, file: string): Promise<boolean> {
  // Loaded late: a run that ends early needs no plots.
  const renderer = await loadIfInstalled(() => import('../report/index.js'));
  if (renderer === undefined) return false;
  writeWhole(file, renderer.renderReport(result));
  return true;
}

export async function reportCommand(
  file: string,
  { html = htmlBeside(file) }: { readonly html?: string },
): Promise<void> {
  if (!(await writeReport(readResult(file), html))) throw new Error(howToInstall(PLOT_PACKAGES));
  process.stdout.write(`${html}\n`);
}
