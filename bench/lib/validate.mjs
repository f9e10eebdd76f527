// Checks JSON that somebody else may have written; the error names the field.
import * as v from 'valibot';
import { UsageError } from './errors.mjs';

function describe(issue) {
  const path = v.getDotPath(issue);
  const where = path === null ? 'the document' : `field '${path}'`;
  return `${where}: expected ${issue.expected ?? 'something else'}, got ${issue.received}`;
}

/** For checks of our own the message says it all; valibot's would only repeat expected and received. */
function reason(issue) {
  const custom = ['check', 'partial_check', 'raw_check'].includes(issue.type);
  if (!custom) return describe(issue);
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `field '${path}': ${issue.message}`;
}

/** The value as the schema has it. Throws UsageError naming the first field that is wrong, and why. */
export function validate(schema, value, name) {
  const { success, output, issues } = v.safeParse(schema, value, { abortPipeEarly: true });
  if (success) return output;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw new UsageError(`${name}: ${reason(issues[0])}${more}`);
}
