// Guests of QEMU's that begin with an image and go through its later snapshots, as `bench codecs` migrates them.
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { migrateQemu } from '#bench/peers/qemu-migration.js';
import { qemuObstacle } from '#bench/peers/qemu-process.js';
import { guestOf, tapedImage } from '#bench/peers/tape.js';
import { PAGE, writeImage } from '../support/image-file.js';

const PAGES = 1024;
const random = () => randomFillSync(Buffer.alloc(PAGE));
const obstacle = qemuObstacle();

describe.skipIf(obstacle !== null)('QEMU', () => {
  it('x', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pf-qemu-'));
    const path = join(dir, 'an.image');
    const base = random();
    const first = Array.from({ length: PAGES }, (_, page) => ({
      page,
      content: page % 8 ? base : null,
    }));
    const later = Array.from({ length: 5 }, (_, s) =>
      Array.from({ length: 20 }, (_, page) => ({
        page: page * 3 + s,
        content: s === 3 ? null : random(),
      })),
    );
    writeImage(path, PAGES, [first, ...later]);
    const image = tapedImage(path);
    for (const how of [
      { multifd: true, multifdCompression: 'zstd' as const },
      { xbzrleCacheBytes: 64 * 2 ** 20 },
      {},
    ]) {
      const run = await migrateQemu({
        guest: guestOf(image),
        image,
        strategy: 'pre-copy',
        endsRounds: true,
        observeMs: 300,
        populateDestination: true,
        ...how,
      });
      console.log(JSON.stringify({ ...run, points: 0, stamps: run.stamps.length }));
    }
  }, 60000);
});
