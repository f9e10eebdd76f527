// Samples as CSV (RFC 4180): a line with the names, then one for each sample. Nothing is an empty field.
import { COLUMN_NAMES, type Sample } from './samples.js';

function field(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function toCsv(samples: readonly Sample[]): string {
  const lines = [
    COLUMN_NAMES.join(','),
    ...samples.map((sample) => COLUMN_NAMES.map((name) => field(sample[name])).join(',')),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}
