// The BIOS image that QEMU's guest consists of, assembled with its parameters.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/places.js';

const FOLDER = join(root, 'bench', 'peers');
const SOURCE = join(FOLDER, 'guest.s');
/** RAM_IMAGE of guest.s. */
const TEXT_ADDRESS = '0x10000';

export const CHUNK_BYTES = 2 ** 21;
const PAGE_BYTES = 4096;
/** Of memory and tape: MOST_GIB of guest.s, without the one that the APIC is in. */
const MOST_BYTES = 8 * 2 ** 30;
/** QEMU's machine `pc` puts 3 GiB below the hole for devices when there are 3.5 GiB or more. */
const LOW_BYTES = 3 * 2 ** 30;
const SPLIT_FROM_BYTES = 3.5 * 2 ** 30;

/** The first chunk holds the guest's page tables and its program. */
export const RESERVED_BYTES = CHUNK_BYTES;
export const PAGES_PER_MARK = 1024;
/** Where a machine without memory above 4 GiB has what is plugged into it. */
export const TAPE_ADDRESS = 2 ** 32;
/** COUNTERS of guest.s: operations, and those that found a wrong page. */
export const COUNTERS_ADDRESS = 0xd000;

const FILLS = { none: 0, zero: 1, random: 2 };

export interface QemuGuest {
  readonly memoryBytes: number;
  readonly fill?: keyof typeof FILLS;
  readonly workingSetBytes?: number | undefined;
  /** Of the tape that it follows, instead of filling and sweeping. */
  readonly tapeBytes?: number | undefined;
}

const SEED = 0x9e3779b97f4a7c15n;

/** Why QEMU's guest cannot follow such a tape, or null. */
export function tapeObstacle({ memoryBytes, tapeBytes = 0 }: QemuGuest): string | null {
  const fits = memoryBytes < SPLIT_FROM_BYTES && memoryBytes + tapeBytes <= MOST_BYTES;
  if (tapeBytes === 0 || fits) return null;
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  return `QEMU's guest has less than 3.5 GiB, and at most 8 with what it goes through, and this one ${gib(memoryBytes)} and ${gib(memoryBytes + tapeBytes)}`;
}

/** The image as assembled, without parameters. Files are made in `dir`. */
function assemble(dir: string): Buffer {
  const object = join(dir, 'guest.o');
  const image = join(dir, 'guest.bin');
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'pipe'] };
  execFileSync('as', ['--64', '-I', FOLDER, '-o', object, SOURCE], options);
  const linked = ['-m', 'elf_x86_64', '-Ttext', TEXT_ADDRESS, '-e', TEXT_ADDRESS];
  execFileSync('ld', [...linked, '--oformat', 'binary', '-o', image, object], options);
  return readFileSync(image);
}

/** The words that stand at the beginning of the image. Throws when QEMU's guest cannot be like that. */
export function romParameters(guest: QemuGuest): bigint[] {
  const { memoryBytes, workingSetBytes = 0, fill = 'none', tapeBytes = 0 } = guest;
  if (memoryBytes % CHUNK_BYTES !== 0 || memoryBytes > MOST_BYTES) {
    throw new RangeError(
      `QEMU's guest has a multiple of 2 MiB, at most 8 GiB, not ${memoryBytes} bytes`,
    );
  }
  if (workingSetBytes > memoryBytes - RESERVED_BYTES) {
    throw new RangeError(`a working set of ${workingSetBytes} bytes is too large for this guest`);
  }
  const obstacle = tapeObstacle(guest);
  if (obstacle !== null) throw new RangeError(obstacle);
  const lowBytes = memoryBytes >= SPLIT_FROM_BYTES ? LOW_BYTES : memoryBytes;
  const words = [lowBytes / CHUNK_BYTES, memoryBytes / CHUNK_BYTES, workingSetBytes / PAGE_BYTES];
  return [
    ...words.map((word) => BigInt(Math.floor(word))),
    BigInt(FILLS[fill]),
    SEED,
    BigInt(tapeBytes / CHUNK_BYTES),
    BigInt(TAPE_ADDRESS),
  ];
}

/** Writes the image for such a guest into `dir`; answers its path. Throws when the assembler fails. */
export function makeRom(dir: string, guest: QemuGuest): string {
  const image = assemble(dir);
  for (const [i, word] of romParameters(guest).entries()) image.writeBigUInt64LE(word, 8 * i);
  const path = join(dir, 'guest.rom');
  writeFileSync(path, image);
  return path;
}
