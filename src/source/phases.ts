/**
 * The source's half of the protocol, phase by phase (docs/protocol.md, its overview).
 *
 * Up to commitSwitchover every failure leaves the guest to be resumed here, with nothing lost; from its
 * `resume` message on the source resumes the guest only when the destination says that it never ran there.
 */
import { availableParallelism } from 'node:os';
import { asPageferryError, nativeCode, PageferryError } from '../errors.js';
import { BYTES, guestCall } from '../guest/guest-call.js';
import { bootId } from '../host/boot-id.js';
import type { SourcePhase } from '../metrics/events.js';
import { msBetween } from '../metrics/recorder.js';
import type { RoundReport } from '../metrics/report.js';
import { binding, type Connection, type ContentName, type PageSet } from '../native/binding.js';
import { type ClockComparison, type ClockExchange, compareClocks } from '../policy/clock.js';
import type { Decision, PreCopyDecision } from '../policy/convergence.js';
import { sendBufferBytes } from '../policy/copying.js';
import { openedWithinMs, verifiedWithinMs } from '../policy/deadlines.js';
import { contentsOf } from '../policy/effort/compression.js';
import { ControlChannel } from '../protocol/channel.js';
import {
  type DestinationMessage,
  MAX_DENSE_PARTS,
  MAX_DESCRIPTION_BYTES,
  MAX_SPACES,
  parseDestinationMessage,
  type SourceMessage,
} from '../protocol/messages.js';
import { checkAccepted, offersOf } from '../protocol/offers.js';
import { ask } from '../strategy/strategy.js';
import { formatBytes, PAGE_BYTES } from '../units.js';
import { openConnection } from './connect.js';
import { EffortDriver, firstEncoding } from './effort.js';
import type { SourceMigration } from './migration.js';
import { paced } from './pace.js';
import { bytesMove, type Patience, socketsTakeBytes, within } from './patience.js';

const CLOCK_EXCHANGES = 8;
/** A state of the guest travels beside the pages, and while it does the destination cannot be ready. */
export const STATE_BYTES_PER_MS = 1024;
/** Runs of populated pages. A look at the hole behind each takes a microsecond, while the guest is paused. */
const MOST_RUNS_LOOKED_AT = 256;

/** What the phases tell while they run. */
export interface Observer {
  phase(phase: SourcePhase): void;
  /** A round begins or a push: so many pages are to be sent. */
  sending(pages: number, round: number): void;
  round(round: RoundReport, number: number): void;
}

/** The whole migration. On return the guest runs on the destination and needs nothing from here. */
export async function runPhases(m: SourceMigration, observer: Observer): Promise<void> {
  const phase = async <T>(name: SourcePhase, run: () => Promise<T>): Promise<T> => {
    m.throwIfCalledOff();
    observer.phase(name);
    m.throwIfCalledOff();
    return await run();
  };
  await phase('negotiate', () => negotiate(m));
  await phase('open-channels', () => openChannels(m));
  const decision = await phase('copy-rounds', () => copyRounds(m, observer));
  const paused = await phase('pause-guest', () => pauseGuest(m));
  const final = await phase('final-round', () => finalRound(m, decision, paused, observer));
  await phase('commit-switchover', () => commitSwitchover(m, paused, final));
  if (decision === 'post-copy') {
    await phase('push-residual-set', () => pushResidualSet(m, observer));
  }
  await phase('finish', () => finish(m));
  if (m.options.verify || m.options.observeMs > 0) await phase('verify', () => verify(m));
  m.send({ type: 'bye' });
}

/** On return the destination has memory for the guest. */
async function negotiate(m: SourceMigration): Promise<void> {
  const { memory } = m.guest;
  const regions = memory.regions.length;
  if (regions > MAX_SPACES) {
    throw new PageferryError(
      'USAGE',
      `the guest has ${regions} regions and a migration takes at most ${MAX_SPACES}: make fewer, larger ones`,
    );
  }
  const { compression, strategy } = m.options;
  const encoded = contentsOf(compression);
  const offers = offersOf(encoded, strategy.mayServeFaults);
  const connection = await openConnection(m, 'control', 0);
  m.channel = new ControlChannel<SourceMessage, DestinationMessage>(connection, {
    parse: parseDestinationMessage,
    stallMs: m.options.stallMs,
    onEnd: (error) => m.fail(error),
  });
  m.throwIfCalledOff();
  const dense = await m.orCalledOff(memory.findDenseParts(MAX_DENSE_PARTS));
  const denseBytes = dense.reduce((sum, { pages }) => sum + pages * PAGE_BYTES, 0);
  // The guest runs, and may have discarded some of that since.
  const populatedBytes = Math.max(denseBytes, await m.orCalledOff(memory.populatedBytes()));
  m.send({
    type: 'open',
    spaces: memory.regions.map((region) => ({ kind: 'ram', ...region })),
    offers,
    channels: m.options.channels,
    populatedBytes,
    dense,
    // Without rounds the guest is paused right after this, or its pages are served: then it is too late.
    populateFirst: ask(strategy, []).decision !== 'next-round',
    description: await describe(m),
    bootId: bootId(),
    strategy: strategy.name,
  });
  const withinMs = openedWithinMs(memory.bytes, m.options.stallMs);
  const opened = await m.expect('opened', { withinMs });
  checkAccepted(offers, opened.accepts, m.control.peer);
  const isAccepted = (content: ContentName) => opened.accepts.contents.includes(content);
  if (!encoded.every(isAccepted)) m.sendsRaw();
  if (strategy.mayServeFaults && !opened.faultPath) {
    throw new PageferryError(
      'UNSUPPORTED',
      `the destination cannot serve post-copy: ${opened.faultPathReason}. Use pre-copy or stop-and-copy, or fix that there`,
      { peer: m.control.peer },
    );
  }
  checkStateFits(m, opened.maxStateBytes);
  m.guestCallMs = opened.guestCallMs;
  m.sameHost = opened.bootId === bootId();
  m.clock = await compareWithPeer(m);
  m.recorder.clockCompared(m.clock);
}

async function describe(m: SourceMigration): Promise<Uint8Array> {
  const { guest, signal } = m;
  const call = async () => guest.describe?.() ?? new Uint8Array();
  const deadlineMs = m.options.switchoverMs;
  const description = await guestCall('describe itself', call, {
    deadlineMs,
    signal,
    answer: BYTES,
  });
  if (description.byteLength <= MAX_DESCRIPTION_BYTES) return description;
  throw new PageferryError(
    'USAGE',
    `the guest's description has ${description.byteLength} bytes and a migration takes at most ${MAX_DESCRIPTION_BYTES}. Keep what is large in the guest's memory or its state`,
  );
}

/** A state that is too long must not be found out only when the guest is paused. */
function checkStateFits(m: SourceMigration, maxStateBytes: number): void {
  m.maxStateBytes = maxStateBytes;
  const most = m.guest.maxStateBytes ?? 0;
  if (most <= maxStateBytes) return;
  throw new PageferryError(
    'GUEST_TOO_LARGE',
    `the guest's state may take ${formatBytes(most)}, and the destination takes ${formatBytes(maxStateBytes)}. Keep what is large in the guest's memory`,
    { peer: m.control.peer },
  );
}

/** One exchange shows that a clock is shared. One that is not is estimated, the better the more there are. */
async function compareWithPeer(m: SourceMigration): Promise<ClockComparison> {
  const first = await exchangeClocks(m, 1);
  const clock = compareClocks(first, m.sameHost);
  if (clock.kind === 'shared') return clock;
  return compareClocks([...first, ...(await exchangeClocks(m, CLOCK_EXCHANGES - 1))], m.sameHost);
}

async function exchangeClocks(m: SourceMigration, count: number): Promise<ClockExchange[]> {
  const exchanges: ClockExchange[] = [];
  for (let i = 0; i < count; i += 1) {
    m.send({ type: 'clock', sentNs: process.hrtime.bigint() });
    const { sentNs, nowNs } = await m.expect('clocked', { withinMs: m.options.stallMs });
    exchanges.push({ sentNs, thereNs: nowNs, receivedNs: process.hrtime.bigint() });
  }
  return exchanges;
}

/** On return every page channel and the fault channel are connected, and have the threads that they need. */
async function openChannels(m: SourceMigration): Promise<void> {
  const { channels } = m.options;
  const numbers = Array.from({ length: channels }, (_, number) => number);
  const opening = [
    ...numbers.map((number) => openConnection(m, 'page', number)),
    openConnection(m, 'fault', 0),
  ];
  const settled = await Promise.allSettled(opening);
  const connections = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = settled.find((one) => one.status === 'rejected');
  if (refused !== undefined) {
    for (const connection of connections) connection.close();
    throw refused.reason;
  }
  const faultConnection = connections.pop();
  if (faultConnection === undefined) throw new Error('no fault channel');
  m.faultConnection = faultConnection;
  const copying = { ...m.options, sameHost: m.sameHost };
  const encoding = firstEncoding(m.compression, m.options);
  m.sender = binding.createPageSender(
    m.guest.memory,
    connections,
    m.bucket,
    encoding,
    sendBufferBytes(copying, availableParallelism()),
  );
  m.effort = new EffortDriver(m.compression, m.options, m.sender, encoding);
  m.effort.begin();
  if (m.options.strategy.mayServeFaults) startPageServer(m, faultConnection);
}

/** Rounds while the guest runs, for as long as the strategy asks (post-copy: none). It still runs on return. */
async function copyRounds(m: SourceMigration, observer: Observer): Promise<Decision> {
  const next = (): Decision => {
    const { decision, preCopy } = ask(m.options.strategy, m.recorder.rounds);
    m.recorder.decided(preCopy);
    if (decision === 'abort') throw notConverging(preCopy);
    return decision;
  };
  let decision = next();
  // Armed before the set is taken: what becomes populated from here on is found dirty.
  if (decision === 'next-round') await arm(m);
  m.pending = await m.guest.memory.findPopulated();
  m.throwIfCalledOff();
  if (decision === 'post-copy' && needsTracker(m)) {
    await arm(m);
    m.pending = await m.guest.memory.findPopulated();
  }
  while (decision === 'next-round') {
    const number = m.recorder.rounds.length;
    const round = await copyRound(m, m.pending, () =>
      observer.sending(m.pending?.count() ?? 0, number),
    );
    observer.round(round, number);
    m.throwIfCalledOff();
    decision = next();
  }
  return decision;
}

/**
 * Post-copy without a round needs to know only what became populated until the pause. Where the holes are few a look at
 * them finds it, once the guest is paused. A tracker would slow the guest down until then: each first write to a page
 * faults.
 */
function needsTracker({ pending, options }: SourceMigration): boolean {
  const isScattered = (pending?.countRuns(MOST_RUNS_LOOKED_AT + 1) ?? 0) > MOST_RUNS_LOOKED_AT;
  return isScattered && options.tracker.kind === 'use';
}

async function arm(m: SourceMigration): Promise<void> {
  const choice = m.options.tracker;
  if (choice.kind === 'refuse') throw new PageferryError('UNSUPPORTED', choice.reason);
  const { tracker, warning } = choice;
  m.tracker = binding.createDirtyTracker(m.guest.memory, tracker, (error) =>
    m.trackingFailed(error),
  );
  m.recorder.tracked(tracker);
  if (warning !== undefined) process.emitWarning(warning, { code: 'PAGEFERRY_MPROTECT' });
  await m.tracker.arm();
  m.throwIfCalledOff();
}

const REASONS = {
  'within-budget': 'the rest fits the downtime budget',
  'max-rounds': 'it has made as many rounds as it may',
  'memory-sent': 'it has sent three times as many pages as the guest has',
  'no-progress': 'the guest writes pages as fast as they can be sent',
} as const;

function notConverging(preCopy: PreCopyDecision | null): PageferryError {
  const reason =
    preCopy === null || preCopy.decision === 'next-round'
      ? 'its strategy says so'
      : REASONS[preCopy.stoppedBecause];
  return new PageferryError(
    'NOT_CONVERGING',
    `pre-copy does not converge: ${reason}. Raise the bandwidth or the downtime budget, or use post-copy`,
  );
}

/** Sends the pending pages and finds what the guest wrote meanwhile: the next pending pages. */
async function copyRound(
  m: SourceMigration,
  pages: PageSet,
  announce: () => void,
): Promise<RoundReport> {
  const { sender, tracker } = running(m);
  const started = performance.now();
  announce();
  const stats = await sender.sendRound(pages, tracker);
  m.send({ type: 'round', sync: sender.lastSync });
  await m.expect('rounded', { withinMs: m.options.stallMs, isUnderWay: bytesMove(sender) });
  pages.clear();
  await tracker.harvest(pages);
  m.recorder.keptVersions(sender.versionBytes);
  return m.recorder.round(
    stats,
    performance.now() - started,
    pages.count(),
    m.effort?.report ?? null,
  );
}

function running(m: SourceMigration) {
  if (m.sender === undefined || m.tracker === undefined) throw new Error('no round is under way');
  return { sender: m.sender, tracker: m.tracker };
}

interface Paused {
  readonly startedNs: bigint;
  readonly pausedNs: bigint;
}

/**
 * On return the guest is paused.
 *
 * After a long round the page table entries that the final round looks at have left the processor's caches. One look
 * brings them back before the guest is paused rather than after (docs/decisions/0014).
 */
async function pauseGuest(m: SourceMigration): Promise<Paused> {
  if (m.pending !== undefined) await m.tracker?.peek(m.pending);
  m.throwIfCalledOff();
  m.watch.end();
  m.ranBefore = m.guest.isRunning ?? true;
  if (!m.ranBefore) m.recorder.guestWasPaused();
  // Set before the call: should it fail halfway, the guest must be resumed.
  m.custody = 'paused-here';
  let startedNs = process.hrtime.bigint();
  if (m.ranBefore) {
    const deadlineMs = m.options.switchoverMs;
    // The guest runs until its pause() is called: the downtime begins there, not where its deadline is set.
    const pause = () => {
      startedNs = process.hrtime.bigint();
      return m.guest.pause();
    };
    await guestCall('pause', pause, { deadlineMs, signal: m.signal });
  }
  return { startedNs, pausedNs: process.hrtime.bigint() };
}

interface Final {
  readonly stateNs: bigint;
  readonly stateBytes: number;
  readonly sentNs: bigint;
  readonly postCopy: boolean;
}

/**
 * On return the destination is about to have all pages, or knows the residual set; the guest is paused.
 *
 * Nobody runs the guest meanwhile. So the destination is told of the switchover while the final round is still
 * being sent, and waits for its sync itself.
 */
async function finalRound(
  m: SourceMigration,
  decision: Decision,
  paused: Paused,
  observer: Observer,
): Promise<Final> {
  const { sender, pending } = m;
  if (sender === undefined || pending === undefined) throw new Error('no channels yet');
  const postCopy = decision === 'post-copy';
  m.effort?.enter('final');
  const sync = sender.lastSync + 1;
  const sending = sender.finalRound(pending, m.tracker ?? null, postCopy);
  // Also while the guest saves its state, for however long.
  sending.catch((error) => m.fail(asPageferryError(error, 'the final round failed')));
  m.sending = sending;
  const state = await saveState(m);
  const stateNs = process.hrtime.bigint();
  m.send({
    type: 'switchover',
    sync,
    postCopy,
    state,
    pausedAtNs: paused.startedNs + m.clock.offsetNs,
    running: m.ranBefore,
  });
  // As far as is known by now: what the guest wrote since the last harvest is found on the way.
  observer.sending(pending.count(), m.recorder.rounds.length);
  const patience = { withinMs: m.options.switchoverMs, isUnderWay: socketsTakeBytes(sender) };
  await within(patience, sending, () => notTaken(m, patience));
  return { stateNs, stateBytes: state.byteLength, sentNs: process.hrtime.bigint(), postCopy };
}

async function saveState(m: SourceMigration): Promise<Uint8Array> {
  const state = await guestCall('save its state', () => m.guest.saveState(), {
    deadlineMs: m.options.switchoverMs,
    signal: m.signal,
    answer: BYTES,
  });
  if (state.byteLength <= m.maxStateBytes) return state;
  throw new PageferryError(
    'GUEST_FAILED',
    `the guest's state has ${formatBytes(state.byteLength)}, and the destination takes ${formatBytes(m.maxStateBytes)}. Keep what is large in the guest's memory, and say maxStateBytes, so that this is found before the pause`,
  );
}

function notTaken(m: SourceMigration, { withinMs }: Patience): PageferryError {
  const { peer } = m.control;
  return new PageferryError(
    'PEER_SILENT',
    `${peer} has taken nothing of the final round for ${withinMs / 1000} s`,
    { peer },
  );
}

/** The commit point lies within: on return the guest runs on the destination. */
async function commitSwitchover(m: SourceMigration, paused: Paused, final: Final): Promise<void> {
  const { sender, pending, residual } = m;
  if (sender === undefined || pending === undefined) throw new Error('no channels yet');
  if (final.postCopy) residual?.add(pending);
  // Bounded even while the peer is alive: nobody runs the guest meanwhile.
  const { switchoverMs } = m.options;
  await m.expect('ready', {
    withinMs: switchoverMs + Math.floor(final.stateBytes / STATE_BYTES_PER_MS),
    isUnderWay: bytesMove(sender),
  });
  const readyNs = process.hrtime.bigint();
  m.throwIfCalledOff();
  if (final.postCopy && m.faultChannelEnded !== undefined) throw m.faultChannelEnded;

  m.custody = 'given-up'; // The commit point.
  m.send({ type: 'resume' });
  // Nobody may run the guest here before the destination has said what became of it, so nothing is gained by giving up
  // before that has itself.
  const running = await m.expect('running', { withinMs: m.guestCallMs + switchoverMs });

  m.custody = 'running-there';
  if (!m.ranBefore) return; // It has not been away: it did not run before, and does not run now.
  const resumedNs = running.resumedAtNs - m.clock.offsetNs;
  m.recorder.switchedOver(msBetween(paused.startedNs, resumedNs), {
    pauseMs: msBetween(paused.startedNs, paused.pausedNs),
    stateMs: msBetween(paused.pausedNs, final.stateNs),
    finalRoundMs: msBetween(final.stateNs, final.sentNs),
    readyMs: msBetween(final.sentNs, readyNs),
    resumeMs: msBetween(readyNs, resumedNs),
  });
}

/**
 * Started while the guest runs, as the page channels are: once it is paused nothing may fail for want of a
 * thread. And a fault channel that is dead by the commit point is noticed in time.
 */
function startPageServer(m: SourceMigration, faultConnection: Connection): void {
  const { memory } = m.guest;
  m.residual = binding.createResidualSet(memory);
  m.server = binding.startPageServer(memory, m.residual, m.bucket, faultConnection, (error) => {
    const failure = asPageferryError(error, 'the fault channel failed', { peer: m.control.peer });
    // A closed one says nothing by itself: the destination closes it when it gives up, and when every
    // page has come. What it means comes on the control channel. But no guest is given up without it.
    if (nativeCode(error) === 'PEER_CLOSED') m.faultChannelEnded = failure;
    else m.fail(failure);
  });
  m.effort?.serve(m.server);
}

/** Post-copy's active push, while the page server answers demand. On return every page was sent. */
async function pushResidualSet(m: SourceMigration, observer: Observer): Promise<void> {
  const { sender, residual } = m;
  if (sender === undefined || residual === undefined) throw new Error('no residual set');
  observer.sending(residual.count(), m.recorder.rounds.length);
  m.effort?.enter('push');
  await paced(m, sender.push(residual));
  m.send({ type: 'pushed', sync: sender.lastSync });
}

/** On return the source holds nothing that is needed. */
async function finish(m: SourceMigration): Promise<void> {
  m.allSent = true;
  m.effort?.end();
  const { sender, server } = m;
  if (sender === undefined) throw new Error('no channels yet');
  const pushed = bytesMove(sender);
  let served = server?.stats().wireBytes;
  const isUnderWay = () => {
    const before = served;
    served = server?.stats().wireBytes;
    return pushed() || served !== before;
  };
  // A destination that misses pages gives up after its stall timeout, and says so: that is worth waiting for.
  const complete = await m.expect('complete', { withinMs: 2 * m.options.stallMs, isUnderWay });
  m.custody = 'arrived';
  m.recorder.completed(complete, complete.completedAtNs - m.clock.offsetNs);
}

/** Lets the guest run on there for a while, and has its memory compared with what it must be. */
async function verify(m: SourceMigration): Promise<void> {
  const { observeMs, stallMs } = m.options;
  m.send({ type: 'verify', observeMs, pages: pagesToCompare(m) });
  const withinMs = verifiedWithinMs(m.guest.memory.bytes, observeMs, stallMs);
  const { verification, guest } = await m.expect('verified', { withinMs });
  m.recorder.verified(verification, guest?.opsPerSecond ?? null);
}

function pagesToCompare({ options: { verify: wanted }, guest }: SourceMigration): number {
  if (typeof wanted === 'object') return wanted.pages;
  return wanted ? guest.memory.pageCount : 0;
}
