// `pageferry bench report RESULT.json`, and the report at the end of a run.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readResult, writeWhole } from '../result/file.mjs';

const renderer = new URL('../report/index.mjs', import.meta.url);

export function htmlBeside(file) {
  return `${file.replace(/\.json$/, '')}.html`;
}

/** Answers the file that was written, or null where there is no renderer. */
export async function writeReport(result, file) {
  if (!existsSync(fileURLToPath(renderer))) return null;
  const { renderReport } = await import(renderer.href);
  writeWhole(file, await renderReport(result));
  return file;
}

export async function reportCommand(file, { html }) {
  const written = await writeReport(readResult(file), html ?? htmlBeside(file));
  if (written === null) throw new Error('this build has no report renderer');
  process.stdout.write(`${written}\n`);
}
