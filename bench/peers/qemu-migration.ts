// A migration from one QEMU to another, both started for it and ended after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../lib/clock.js';
import type { Compared } from '../lib/verification.js';
import { openLink } from '../links/index.js';
import type { Link, Side } from '../links/link.js';
import { LOOPBACK, linkRateOf, type WantedLink } from '../links/wanted-link.js';
import type { SourcePoint } from '../result/schema.js';
import { compareArrived } from './arrived-guest.js';
import { type Counted, countedBy, goesOn } from './guest-counters.js';
import { MarkReader } from './mark-reader.js';
import type { Stamp } from './marks.js';
import { configure, liftDowntimeBudget, type WantedQemuMigration } from './qemu-settings.js';
import { isStatus, type QemuProgress, QemuSide, type StartOptions } from './qemu-side.js';
import type { QmpEvent } from './qmp.js';
import { makeRom } from './rom.js';
import { makeScope, until } from './scope.js';
import { SentBytes } from './sent-bytes.js';
import { makeTape, type Tape } from './tape.js';

const SECOND_MS = 1000;
const TIMEOUT_MS = 240_000;
/** Of the time that the guest's memory would take as it is. */
const MOST_TIMES_MEMORY = 40;
const SAMPLE_EVERY_MS = 50;
/** As after as many rounds of Pageferry's, unless it is told otherwise. */
const MOST_ROUNDS = 30;

export interface QemuMigrationOptions extends WantedQemuMigration {
  /** What lies between the two; loopback by default. */
  readonly link?: WantedLink;
  readonly signal?: AbortSignal;
}

/** What QEMU tells of itself; the guest's operations are known from the marks. */
export type QemuPoint = Omit<SourcePoint, 'operations'>;

/** QEMU's own figures of a migration that has completed. */
export type QemuFigures = QemuProgress & {
  readonly 'total-time': number;
  readonly downtime: number;
  readonly ram: NonNullable<QemuProgress['ram']>;
};

/** What a guest with a tape did meanwhile. */
export interface Replay {
  readonly pagesPerSecond: number;
  /** What the source sent over TCP, headers apart. */
  readonly sentBytes: number;
  readonly compared: Compared;
}

interface Times {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly cpuSeconds: Readonly<Record<Side, number>>;
  readonly points: readonly QemuPoint[];
}

/** When and at what cost; times are of the monotonic clock. */
export interface QemuRun extends Times {
  readonly pausedMs: number | null;
  readonly resumedMs: number | null;
  readonly figures: QemuFigures;
  readonly stamps: readonly Stamp[];
  /** Of a guest with a tape. */
  readonly replay: Replay | null;
}

type Sides = Readonly<Record<Side, QemuSide>>;

/** Starts to listen; answers the port. */
async function listen(destination: QemuSide, host: string): Promise<number> {
  await destination.execute('migrate-incoming', { uri: `tcp:${host}:0` });
  const { 'socket-address': addresses } = await destination.progress();
  return Number(addresses?.[0]?.port);
}

/** Looks at the source's progress until the signal aborts; answers what it saw. */
async function sample(
  source: QemuSide,
  startedMs: number,
  signal: AbortSignal,
): Promise<QemuPoint[]> {
  const points: QemuPoint[] = [];
  while (!signal.aborted) {
    const { status, ram } = await source.progress();
    points.push({
      atMs: nowMs() - startedMs,
      phase: status ?? null,
      wireBytes: ram?.transferred ?? null,
      pagesSent: ram?.normal ?? null,
    });
    await sleep(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => {});
  }
  return points;
}

/** QEMU counts the look at the dirty log before the first round too. */
function hasEndedRounds(rounds: number) {
  return ({ event, data }: QmpEvent) => event === 'MIGRATION_PASS' && Number(data['pass']) > rounds;
}

/** Otherwise QEMU would go on for ever with a guest that writes faster than the link sends. */
async function endRounds(source: QemuSide): Promise<void> {
  await source.sees(hasEndedRounds(MOST_ROUNDS));
  await liftDowntimeBudget(source);
}

/** Migrates; answers when and at what cost. */
async function migrate(
  { source, destination }: Sides,
  uri: string,
  { strategy, endsRounds = false }: WantedQemuMigration,
): Promise<Times> {
  const ended = new AbortController();
  const cpuBefore = { source: source.cpuSeconds(), destination: destination.cpuSeconds() };
  const startedMs = nowMs();
  await source.execute('migrate', { uri });
  const sampling = sample(source, startedMs, ended.signal);
  // It may fail, with its QEMU, before anybody awaits it.
  sampling.catch(() => {});
  // A migration that fails is noticed below, and one that needs fewer rounds never gets there.
  if (endsRounds) endRounds(source).catch(() => {});
  try {
    if (strategy === 'hybrid') await source.sees(hasEndedRounds(1));
    if (strategy !== 'pre-copy') await source.execute('migrate-start-postcopy');
    const [left, arrived] = await Promise.all([
      source.sees(isStatus('completed')),
      destination.sees(isStatus('completed')),
    ]);
    const cpuSeconds = {
      source: source.cpuSeconds() - cpuBefore.source,
      destination: destination.cpuSeconds() - cpuBefore.destination,
    };
    ended.abort();
    return {
      startedMs,
      endedMs: Math.max(left.atMs, arrived.atMs),
      cpuSeconds,
      points: await sampling,
    };
  } finally {
    ended.abort();
  }
}

/** Slow links need longer, and a guest that writes has its memory sent several times. */
function timeoutMs({ guest, bandwidthBytesPerSecond }: WantedQemuMigration, link: WantedLink) {
  const rate = bandwidthBytesPerSecond ?? linkRateOf(link);
  const once = rate === null ? 0 : (guest.memoryBytes / rate) * SECOND_MS;
  return TIMEOUT_MS + MOST_TIMES_MEMORY * once;
}

/** QEMU's own figures. It says that it has completed a moment before it has counted. */
async function finalFigures(source: QemuSide): Promise<QemuFigures> {
  for (;;) {
    const figures = await source.progress();
    const { 'total-time': totalTime = 0, downtime, ram } = figures;
    if (totalTime > 0 && downtime !== undefined && ram !== undefined) {
      return { ...figures, 'total-time': totalTime, downtime, ram };
    }
    await sleep(1);
  }
}

interface Setting {
  readonly sides: Sides;
  readonly reader: MarkReader;
  readonly link: Link;
  readonly rom: string;
  readonly tape: Tape | undefined;
  readonly dir: string;
  readonly scope: ReturnType<typeof makeScope>;
}

function speedBetween(before: Counted, after: Counted): number {
  return ((after.operations - before.operations) / (after.atMs - before.atMs)) * SECOND_MS;
}

/** Starts both, migrates the guest once it is filled, and answers what there is to know. */
async function run(
  { sides, reader, link, rom, tape, dir, scope }: Setting,
  wanted: WantedQemuMigration,
): Promise<QemuRun> {
  const { source, destination } = sides;
  const { guest, populateDestination = false, observeMs = 0 } = wanted;
  const sent = tape === undefined ? null : new SentBytes(dir);
  await reader.hears('listening');
  const start = (
    name: Side,
    options: Pick<StartOptions, 'populate' | 'incoming' | 'environment'>,
  ) =>
    sides[name].start({
      dir,
      rom,
      tape,
      memoryBytes: guest.memoryBytes,
      marksSocket: reader.sockets[name],
      prefix: link.prefix(name),
      onExit: scope.fail,
      signal: scope.signal,
      ...options,
    });
  await Promise.all([
    start('source', { populate: false, incoming: false, environment: sent?.environment }),
    start('destination', { populate: populateDestination, incoming: true }),
  ]);
  await configure(destination, wanted);
  await configure(source, wanted);
  const { host, port } = await link.target(await listen(destination, link.listenHost));
  await reader.hears('filled');
  await sleep(observeMs);
  const before = tape === undefined ? null : await countedBy(source);
  const times = await migrate(sides, `tcp:${host}:${port}`, wanted);
  const after = tape === undefined ? null : await countedBy(destination);
  const figures = await finalFigures(source);
  if ((guest.workingSetBytes ?? 0) > 0) await reader.hears('arrived');
  const stopped = { pausedMs: source.timeOf('STOP'), resumedMs: destination.timeOf('RESUME') };
  const stamps = await reader.stamps();
  if (tape === undefined || sent === null || before === null || after === null) {
    return { ...times, ...stopped, figures, stamps, replay: null };
  }
  if (tape.steps.steps.length > 0) await goesOn(destination, after);
  const replay = {
    pagesPerSecond: speedBetween(before, after),
    sentBytes: sent.count,
    compared: await compareArrived(destination, tape, dir),
  };
  return { ...times, ...stopped, figures, stamps, replay };
}

/**
 * Migrates QEMU's guest once between two fresh QEMUs and answers when and at what cost. On return, and when it
 * rejects, the processes, their files and the link are gone.
 */
export async function migrateQemu({
  link: wantedLink = LOOPBACK,
  signal,
  ...wanted
}: QemuMigrationOptions): Promise<QemuRun> {
  const scope = makeScope(signal, timeoutMs(wanted, wantedLink));
  const dir = mkdtempSync(join(tmpdir(), 'pageferry-qemu-'));
  const sides = { source: new QemuSide('source'), destination: new QemuSide('destination') };
  let reader: MarkReader | undefined;
  let link: Link | undefined;
  try {
    const rom = makeRom(dir, wanted.guest);
    const tape =
      wanted.image === undefined ? undefined : await makeTape(wanted.image, dir, scope.signal);
    link = await openLink(wantedLink);
    reader = new MarkReader(dir, scope.fail);
    const all = run({ sides, reader, link, rom, tape, dir, scope }, wanted);
    return await until(scope.signal, all);
  } finally {
    scope.close();
    await Promise.all([sides.source.close(), sides.destination.close(), reader?.close()]);
    await link?.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
