// `pageferry bench compare A.json B.json`
import { comparisonToMarkdown } from '../report/comparison.js';
import { compareResults } from '../result/comparison.js';
import { readResult } from '../result/file.js';

export interface CompareOptions {
  /** The smallest that counts: 0.05 is 5 %. */
  readonly effect: number;
  readonly json?: boolean;
}

export function compareCommand(
  a: string,
  b: string,
  { effect, json = false }: CompareOptions,
): void {
  const comparison = compareResults(readResult(a), readResult(b), { smallestEffect: effect });
  for (const warning of comparison.warnings) process.stderr.write(`bench: warning: ${warning}\n`);
  const text = json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonToMarkdown(comparison);
  process.stdout.write(text);
}
