// A guest made of an image, migrated once by one policy, whichever engine has it.
import type { MigrationReport } from '#engine/index.js';
import { recordOf } from '../lib/migration-record.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { MigrationRecord, SampleContext } from '../lib/scenario.js';
import { migrateQemu } from '../peers/qemu-migration.js';
import { accelerator, comparedObstacle } from '../peers/qemu-process.js';
import { qemuRecordOf } from '../peers/qemu-record.js';
import { Refused } from '../peers/qmp.js';
import { tapeObstacle } from '../peers/rom.js';
import { guestOf, tapedImage } from '../peers/tape.js';
import type { CodecImage } from './images.js';
import type { CodecLink } from './links.js';
import { type EnginePolicy, isOfQemu, type Policy, type QemuPolicy } from './policies.js';

const PAGE_BYTES = 4096;
const OBSERVE_MS = 300;
const SECOND_MS = 1000;

/** What it came to; a text says why there is no figure. */
export interface PolicyRun {
  readonly totalMs: number;
  readonly wireBytes: number;
  readonly sourceCpuSeconds: number;
  readonly destinationCpuSeconds: number;
  readonly downtimeMs: number | null;
  /** Pages that the guest changed in a second. */
  readonly changes: number | string;
  /** Bytes sent after the first round ÷ those of the pages that the guest changed. */
  readonly amplification: number | string;
}

export interface Migrated {
  readonly run: PolicyRun;
  readonly record: MigrationRecord;
}

const TOO_FAST =
  'QEMU has no limit of its own for compressed pages, and sent more than this link carries: it needs one of network namespaces';
const NOTHING_CHANGED = 'the guest changed nothing during the migration';

/** Bytes of all that was sent again, for each byte of the pages that the guest changed until it had moved. */
function amplification({ guest, totalMs, wireBytes, rounds }: MigrationReport): number | string {
  const changes = ((guest?.opsPerSecondDuring ?? 0) * totalMs) / SECOND_MS;
  if (changes < 1) return NOTHING_CHANGED;
  return (wireBytes - (rounds[0]?.wireBytes ?? 0)) / (changes * PAGE_BYTES);
}

function engineMigration(
  { path, memoryBytes, changes }: CodecImage,
  { bandwidth }: CodecLink,
  { compression, blockPages }: EnginePolicy,
): WorkloadMigration {
  return {
    guest: {
      kind: 'workload',
      options: {
        workload: changes ? { kind: 'snapshots' } : 'idle',
        memoryBytes,
        fill: { kind: 'image', path },
      },
    },
    source: {
      strategy: 'pre-copy',
      compression,
      ...(blockPages === undefined ? {} : { blockPages }),
      bandwidthBytesPerSecond: bandwidth,
      observeMs: OBSERVE_MS,
    },
    destination: { prepare: true },
  };
}

async function byEngine(
  label: string,
  wanted: WorkloadMigration,
  link: CodecLink,
  context: SampleContext,
): Promise<Migrated> {
  const migrated = await migrateOnce(wanted, context);
  const { report, source, destination } = migrated;
  const run = {
    totalMs: report.totalMs,
    wireBytes: report.wireBytes,
    sourceCpuSeconds: source.cpuMs / SECOND_MS,
    destinationCpuSeconds: destination.cpuMs / SECOND_MS,
    downtimeMs: report.downtimeMs,
    changes: report.guest?.opsPerSecondDuring || NOTHING_CHANGED,
    amplification: amplification(report),
  };
  return { run, record: recordOf(label, wanted, migrated, { linkBytesPerSecond: link.rate }) };
}

/**
 * Its own limit, undefined for none. QEMU 7.2 holds multifd back by what its pages were before they were compressed, which
 * would make a link with such a limit several times slower than it is.
 */
function limitOf({ qemu }: QemuPolicy, { bandwidth }: CodecLink): number | undefined {
  return bandwidth === 0 || qemu.multifdCompression !== undefined ? undefined : bandwidth;
}

/** Answers why QEMU cannot do it here where it cannot. */
async function byQemu(
  label: string,
  { path }: CodecImage,
  policy: QemuPolicy,
  codecLink: CodecLink,
  { signal, link, log, onCompared, repetition }: SampleContext,
): Promise<Migrated | string> {
  const none = comparedObstacle();
  if (none !== null) return none;
  const image = tapedImage(path);
  const guest = guestOf(image);
  const tooLarge = tapeObstacle(guest);
  if (tooLarge !== null) return tooLarge;
  if (repetition === 0 && accelerator() === 'tcg') {
    log('there is no /dev/kvm: QEMU translates its guest');
  }
  const limit = limitOf(policy, codecLink);
  const options = {
    guest,
    image,
    strategy: 'pre-copy',
    ...policy.qemu,
    endsRounds: true,
    bandwidthBytesPerSecond: limit,
    populateDestination: true,
    observeMs: OBSERVE_MS,
    link,
    signal,
  } as const;
  try {
    const migrated = await migrateQemu(options);
    const { figures, cpuSeconds, replay } = migrated;
    if (replay === null) throw new Error('QEMU has migrated another guest');
    onCompared(replay.compared);
    const sentPerSecond = (replay.sentBytes / figures['total-time']) * SECOND_MS;
    if (codecLink.bandwidth > 0 && limit === undefined && sentPerSecond > codecLink.bandwidth) {
      return TOO_FAST;
    }
    const run = {
      totalMs: figures['total-time'],
      wireBytes: replay.sentBytes,
      sourceCpuSeconds: cpuSeconds.source,
      destinationCpuSeconds: cpuSeconds.destination,
      // It counts whole milliseconds.
      downtimeMs: Math.max(1, figures.downtime),
      changes: replay.pagesPerSecond || NOTHING_CHANGED,
      amplification: 'QEMU does not tell what its first round sent',
    };
    return { run, record: qemuRecordOf(label, options, migrated) };
  } catch (error) {
    // One that was built without zstd, for instance.
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

/** A text says why the policy cannot be had here. */
export async function migrateBy(
  policy: Policy,
  image: CodecImage,
  link: CodecLink,
  context: SampleContext,
): Promise<Migrated | string> {
  const label = `${policy.name}, ${image.name}, ${link.title}`;
  return isOfQemu(policy)
    ? await byQemu(label, image, policy, link, context)
    : await byEngine(label, engineMigration(image, link, policy), link, context);
}
