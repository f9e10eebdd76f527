// Checks JSON that somebody else may have written; the error names the field.
import * as v from 'valibot';
import { UsageError } from './errors.js';

function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'is not known';
  if (issue.received === 'undefined') return 'is missing';
  // Messages of our own say it all; valibot's repeat what it expected and received.
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  return `expected ${issue.expected}, got ${issue.received}`;
}

/** Where in a document a value is, and what more is to be said of it. */
type Locate = (path: string | null) => { readonly path: string | null; readonly of: string };

function describe(issue: v.BaseIssue<unknown>, locate: Locate): string {
  const { path, of } = locate(v.getDotPath(issue));
  return `${path === null ? 'the document' : `field '${path}'`}: ${expectation(issue)}${of}`;
}

/**
 * The value as the schema has it. Throws UsageError naming the first field that is wrong, and why. `locate`: where that
 * is, for a value that is a part of the document.
 */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  name: string,
  locate: Locate = (path) => ({ path, of: '' }),
): v.InferOutput<Schema> {
  const { success, output, issues } = v.safeParse(schema, value, { abortPipeEarly: true });
  if (success) return output;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw new UsageError(`${name}: ${describe(issues[0], locate)}${more}`);
}
