// Heaps of languages with a garbage collector. Their programs lie beside this folder, in their own languages.
import { join } from 'node:path';
import { root } from '../../lib/places.js';
import { writeRecords } from '../data.js';
import { findProgram, type Place } from '../place.js';
import {
  type CorpusProgram,
  type CorpusSize,
  type Cost,
  MIB,
  pidOf,
  recordsFor,
} from '../program.js';

const source = (name: string) => join(root, 'bench', 'corpus', name);

/** A program that reads a file of records, says `ready` and changes them. */
function heap(
  name: string,
  title: string,
  cost: Cost,
  find: CorpusProgram['find'],
  command: (
    place: Place,
    programs: Readonly<Record<string, string>>,
    size: CorpusSize,
  ) => Promise<[string, readonly string[]]>,
): CorpusProgram {
  return {
    name,
    title,
    find,
    async start(place, programs, size) {
      const records = place.file('records.jsonl');
      await writeRecords(records, recordsFor(size, cost), size.seed);
      const [program, args] = await command(place, programs, size);
      const child = place.start(program, [...args, records]);
      await place.ready(name, child);
      return pidOf(child);
    },
  };
}

export const node = heap(
  'node',
  'a heap of Node.js',
  { each: 1240, base: 60 * MIB },
  () => ({}),
  async () => [process.execPath, ['--max-old-space-size=4096', source('heap.mjs')]],
);

export const python = heap(
  'python',
  'a heap of Python',
  { each: 1040, base: 12 * MIB },
  () => ({ python3: findProgram('python3', 'python3') }),
  async (_place, { python3 = '' }) => [python3, [source('heap.py')]],
);

export const java = heap(
  'java',
  'a heap of the JVM',
  { each: 2060, base: 60 * MIB },
  () => ({
    java: findProgram('java', 'default-jdk-headless'),
    javac: findProgram('javac', 'default-jdk-headless'),
  }),
  async (place, { java = '', javac = '' }, { bytes }) => {
    await place.run(javac, ['-d', place.folder, source('Heap.java')]);
    const most = `-Xmx${Math.ceil(bytes / MIB) + 256}m`;
    return [java, [most, '-XX:+UseSerialGC', '-cp', place.folder, 'Heap']];
  },
);
