/** Captures and the disk that they are on: they leave free what they were told to, and no migration minds where there is no more. */
import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkCapture } from '../../src/conformance/check-capture.js';
import { atEnd } from '../support/at-end.js';
import { migrate, Receiving } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { temporaryFolder } from '../support/traces.js';
import { until } from '../support/until.js';

const DISK_BYTES = 8 * MIB;
/** More than any disk has. */
const NOTHING_IS_FREE = Number.MAX_SAFE_INTEGER;

/** A folder on a small disk of its own; skips the test where it cannot be mounted. */
function smallDisk(skip: (why: string) => never): string {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'pageferry-test', folder]);
  } catch (error) {
    skip(`a small file system cannot be mounted here: ${error}`);
  }
  atEnd(() => {
    execFileSync('umount', [folder]);
  });
  return folder;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** A destination that captures there, and what it warns of. */
async function capturing(tee: string, teeReserveBytes: number) {
  const receiving = await Receiving.start({ tee, teeReserveBytes });
  const warnings: string[] = [];
  receiving.destination.on('warning', ({ message }) => warnings.push(message));
  return { receiving, warnings };
}

async function expectArrives(receiving: Receiving): Promise<void> {
  const guest = await startGuest();
  const report = await migrate(guest, receiving.port, { strategy: 'hybrid' });
  expect(report.guestVerified).toBe(true);
  (await receiving.nextArrived()).discard?.();
  await until('the migration is over', () => receiving.destination.migrations === 0);
}

describe('a destination whose captures', () => {
  it.for([
    ['would take what is to stay free', 4 * MIB, /MiB left, and 4 MiB are to stay free/],
    ['fill the disk', 0, /No space left|0 MiB are to stay free/],
  ] as const)(
    '%s ends them there, says so, and takes every guest',
    async ([, reserve, why], { skip }) => {
      const tee = smallDisk(skip);
      const { receiving, warnings } = await capturing(tee, reserve);
      await expectArrives(receiving);
      await until('it is said', () => warnings.length > 0);
      expect(warnings).toEqual([expect.stringMatching(/^the capture ended before the migration/)]);
      expect(warnings[0]).toMatch(why);
      expect(freeBytes(tee)).toBeGreaterThanOrEqual(reserve);
      const [name = ''] = readdirSync(tee);
      const check = await checkCapture(createReadStream(join(tee, name)));
      expect(check).toMatchObject({ cut: expect.stringContaining('cut short'), violations: [] });
      expect(check.pages.raw).toBeGreaterThan(0);
      await expectArrives(receiving);
      expect(freeBytes(tee)).toBeGreaterThanOrEqual(reserve);
    },
  );

  it('find no room says it once, leaves no file, and takes every guest', async () => {
    const tee = temporaryFolder();
    const { receiving, warnings } = await capturing(tee, NOTHING_IS_FREE);
    for (let i = 0; i < 3; i += 1) await expectArrives(receiving);
    expect(warnings).toEqual([expect.stringMatching(/cannot write a capture .* to stay free$/)]);
    expect(readdirSync(tee)).toEqual([]);
  });
});

describe('a source whose capture finds no room', () => {
  it('says so before anything happens, and leaves no file', async () => {
    const receiving = await Receiving.start();
    const folder = temporaryFolder();
    const guest = await startGuest({ memoryBytes: MIB });
    const tee = join(folder, 'capture');
    const attempt = async () =>
      await migrate(guest, receiving.port, { tee, teeReserveBytes: NOTHING_IS_FREE });
    await expect(attempt()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/MiB left, and \d+ MiB are to stay free/),
    });
    expect(readdirSync(folder)).toEqual([]);
    await expectUnharmed(guest);
    expect((await migrate(guest, receiving.port)).guestVerified).toBe(true);
  });
});
