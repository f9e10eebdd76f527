/** The HTML of a result file of version 2, finished or not. Rejects a result of another version. */
export function renderReport(result: { readonly version: number }): Promise<string>;
