// `pageferry bench report RESULT.json`, and the report at the end of a run.
import { readResult, writeWhole } from '../result/file.js';
import type { Result } from '../result/schema.js';

export function htmlBeside(file: string): string {
  return `${file.replace(/\.json$/, '')}.html`;
}

export async function writeReport(result: Result, file: string): Promise<void> {
  // Loaded late: a run that ends early needs no plots.
  const { renderReport } = await import('../report/index.js');
  writeWhole(file, renderReport(result));
}

export async function reportCommand(
  file: string,
  { html = htmlBeside(file) }: { readonly html?: string },
): Promise<void> {
  await writeReport(readResult(file), html);
  process.stdout.write(`${html}\n`);
}
