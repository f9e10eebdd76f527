/** Compares docs/protocol.md with the constants and the schemas that the code uses, both ways. */
import { ERROR_CODES } from '../../../src/errors.js';
import { tablesOf } from '../markdown-tables.js';
import { type Code, Differences, numberAfter } from './code.js';
import { compareConnections } from './connections.js';
import { compareBounds, compareDeadlines } from './limits.js';
import { compareMessages } from './messages.js';
import { compareRecords } from './records.js';

/** Each way in which the document and the code disagree, in a sentence; none when they agree. */
export function differencesBetween(text: string, code: Code): string[] {
  const differences = new Differences();
  const document = { text, tables: tablesOf(text) };
  const title = numberAfter(text, '# The migration protocol, version');
  differences.equal('version in the title', title, code.constants.version);
  compareConnections(differences, document, code);
  compareRecords(differences, document, code);
  compareMessages(differences, document, code);
  compareDeadlines(differences, document, code);
  compareBounds(differences, document, code);
  for (const [, code] of text.matchAll(/`([A-Z]{3,}(?:_[A-Z]+)*)(?<!PGFERRY)`/g)) {
    differences.equal(
      `error code ${code} exists`,
      ERROR_CODES.some((one) => one === code),
      true,
    );
  }
  return differences.found;
}
