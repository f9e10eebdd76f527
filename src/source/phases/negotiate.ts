/** Agrees with the destination on what is about to come: the guest, what may be used, both clocks. */
import { PageferryError } from '../../errors.js';
import { BYTES, guestCall } from '../../guest/guest-call.js';
import { bootId } from '../../host/boot-id.js';
import type { ContentName } from '../../native/contents.js';
import { openedWithinMs } from '../../policy/deadlines.js';
import { contentsOf } from '../../policy/effort/compression.js';
import { ControlChannel } from '../../protocol/channel.js';
import {
  type DestinationMessage,
  MAX_DENSE_PARTS,
  MAX_DESCRIPTION_BYTES,
  MAX_SPACES,
  parseDestinationMessage,
  type SourceMessage,
} from '../../protocol/messages.js';
import { checkAccepted, offersOf } from '../../protocol/offers.js';
import { ask } from '../../strategy/strategy.js';
import { formatBytes, PAGE_BYTES } from '../../units.js';
import { openConnection } from '../connect.js';
import { compareWithPeer } from '../exchange-clocks.js';
import type { SourceMigration } from '../migration.js';

/** On return the destination has memory for the guest. */
export async function negotiate(m: SourceMigration): Promise<void> {
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
