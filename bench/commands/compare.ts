// `pageferry bench compare A.json B.json`

import { comparisonToMarkdown } from '../report/markdown.mjs';
import { compareResults } from '../result/comparison.mjs';
import { readResult } from '../result/file.mjs';

export function compareCommand(a, b, { json = false }) {
  const comparison = compareResults(readResult(a), readResult(b));
  for (const warning of comparison.warnings) process.stderr.write(`bench: warning: ${warning}\n`);
  const text = json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonToMarkdown(comparison);
  process.stdout.write(text);
}
