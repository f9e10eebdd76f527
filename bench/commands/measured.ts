// What the commands that measure share: they keep what was measured whatever happens, and show it at the end.
import { join } from 'node:path';
import { RunEnded } from '../lib/errors.js';
import { warmMemory } from '../lib/host.js';
import { howToInstall, PLOT_PACKAGES } from '../lib/optional-packages.js';
import { Progress } from '../lib/progress.js';
import { Runner } from '../lib/runner.js';
import type { Scenario } from '../lib/scenario.js';
import type { WantedLink } from '../links/wanted-link.js';
import { toMarkdown } from '../report/markdown.js';
import { ResultBuilder, type ResultHead } from '../result/builder.js';
import { isOrdinaryFile, toJson, writeWhole } from '../result/file.js';
import type { Result } from '../result/schema.js';
import { htmlBeside, writeReport } from './report.js';

/** Where the result and what is made of it go. */
export interface Places {
  /** The folder of the results. */
  readonly out: string;
  /** The result's file; '-' is stdout. */
  readonly json?: string;
  readonly html?: string;
}

interface ToMeasure {
  readonly head: ResultHead;
  readonly scenarios: readonly Scenario[];
  /** Of scenarios that have none of their own. */
  readonly link: WantedLink;
  /** A result to go on with. */
  readonly previous: Result | undefined;
}

export interface Measured {
  readonly file: string;
  readonly result: Result;
  readonly failed: boolean;
}

export function resultFile({ out, json }: Places, suite: string, startedAt: string): string {
  if (json !== undefined && json !== '-') return json;
  return join(out, `${suite}-${startedAt.slice(0, 19).replaceAll(':', '')}.json`);
}

/** Throws what ended the run before its end; what was measured is in the file. */
export async function measureInto(
  file: string,
  { head, scenarios, link, previous }: ToMeasure,
  signal: AbortSignal,
): Promise<Measured> {
  const { environment, repetitions } = head;
  const builder = new ResultBuilder(head, scenarios, previous);
  let hasSaved = previous !== undefined;
  const save = () => {
    writeWhole(file, toJson(builder.result()));
    hasSaved = true;
  };
  const progress = new Progress(process.stderr, scenarios, repetitions, (one) =>
    builder.taken(one),
  );
  try {
    progress.overview();
    if (!environment.quiet) {
      const percent = Math.round(environment.othersCpuShare * 100);
      progress.line(
        `other programs use ${percent} % of this machine: the figures will be worse than on a quiet one`,
      );
    }
    save();
    environment.warmedBytes = await warmMemory(scenarios, signal);
    await new Runner({ builder, save, progress, repetitions, link, signal }).run(scenarios);
  } catch (error) {
    if (hasSaved && error instanceof RunEnded) {
      const goesOn = head.plan === undefined ? '' : `; pageferry bench --resume ${file} goes on`;
      error.hint = `What was measured is in ${file}${goesOn}`;
    }
    throw error;
  } finally {
    progress.close();
  }
  return { file, result: builder.result(), failed: builder.failed };
}

/** The table and the report beside the result. Answers what is to be said of the report. */
async function writeBeside(
  file: string,
  result: Result,
  table: string,
  html: string | undefined,
): Promise<string> {
  // Beside a device or a pipe there is no place for them.
  const isOrdinary = isOrdinaryFile(file);
  if (isOrdinary) writeWhole(`${file.replace(/\.json$/, '')}.md`, table);
  const report = html ?? (isOrdinary ? htmlBeside(file) : undefined);
  if (report === undefined) return '';
  return (await writeReport(result, report))
    ? `, report: ${report}`
    : `; ${howToInstall(PLOT_PACKAGES)}, then: pageferry bench report ${file}`;
}

/** Prints the table, or the result where that goes to stdout. Answers whether everything was measured. */
export async function present(
  { file, result, failed }: Measured,
  { json, html }: Omit<Places, 'out'>,
): Promise<boolean> {
  const table = toMarkdown(result);
  process.stdout.write(json === '-' ? toJson(result) : table);
  const aboutReport = await writeBeside(file, result, table, html);
  process.stderr.write(`bench: result: ${file}${aboutReport}\n`);
  return !failed;
}
