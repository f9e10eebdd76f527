// `pageferry bench compare A.json B.json`

import { comparisonToMarkdown } from '../report/markdown.js';
import { compareResults } from '../result/comparison.js';
import { readResult } from '../result/file.js';

export function compareCommand(
  a: string,
  b: string,
  { json = false }: { readonly json?: boolean },
): void {
  const comparison = compareResults(readResult(a), readResult(b));
  for (const warning of comparison.warnings) process.stderr.write(`bench: warning: ${warning}\n`);
  const text = json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonToMarkdown(comparison);
  process.stdout.write(text);
}
