/** The rows of a result file of version 2 as a Markdown table. */
export function toMarkdown(result: object): string;
export function comparisonToMarkdown(comparison: object): string;
