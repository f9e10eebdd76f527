// Samples as Parquet: the columns have their types, whatever is in them.
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { COLUMN_NAMES, COLUMNS, type Sample } from './samples.js';

const TYPES = {
  text: 'STRING',
  number: 'DOUBLE',
  whole: 'INT64',
  boolean: 'BOOLEAN',
} as const satisfies Readonly<Record<string, BasicType>>;

/** The writer takes 64-bit integers as such. */
function cell(value: string | number | boolean | null, isWhole: boolean) {
  return isWhole && typeof value === 'number' ? BigInt(value) : value;
}

export function toParquet(samples: readonly Sample[]): Uint8Array {
  const columnData = COLUMN_NAMES.map((name) => ({
    name,
    type: TYPES[COLUMNS[name]],
    data: samples.map((sample) => cell(sample[name], COLUMNS[name] === 'whole')),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
