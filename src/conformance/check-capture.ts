/** Checks a captured migration against every rule of docs/protocol.md and docs/encodings.md that can be seen from its bytes. */
import { type Block, Capture, CaptureUnreadable } from './capture.js';
import type { Content } from './contents.js';
import { ControlConversation } from './control.js';
import { FaultChannel } from './fault-channel.js';
import { Feed, type Incoming, type Reading } from './incoming.js';
import { Migration, type Side } from './migration.js';
import { readPageChannel } from './page-channel.js';
import type { PageHistory } from './page-history.js';
import {
  type Connection,
  PREAMBLE_BYTES,
  type Role,
  readAnswer,
  readNothing,
  readPreamble,
} from './preambles.js';
import { type RecordCounts, RecordFigures } from './record-headers.js';
import type { ChannelName, Direction, Violation } from './violation.js';

const DIRECTIONS: readonly Direction[] = ['to-destination', 'to-source'];

export interface CaptureCheck {
  readonly side: Side;
  readonly startedMs: number;
  readonly migrationId: string | null;
  readonly strategy: string | null;
  /** `unfinished`: neither side has said how it ended. */
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'query' | 'refused' | 'unfinished';
  /** How often each came; those that were skipped as optional say so. */
  readonly messages: Readonly<Record<Direction, Readonly<Record<string, number>>>>;
  readonly records: RecordCounts;
  readonly pages: Readonly<Record<Content, number>>;
  /** Of these pages, without headers and entries. */
  readonly payloadBytes: Readonly<Record<Content, number>>;
  readonly bytes: readonly (Readonly<Record<Direction, number>> & {
    readonly channel: ChannelName;
  })[];
  /** All of them; the first thousand are listed. */
  readonly violationCount: number;
  readonly violations: readonly Violation[];
  /** Why the capture could not be read to its end, where that is so. */
  readonly cut: string | null;
}

/** One connection, both ways. */
class Channel {
  readonly connection: Connection;
  readonly #m: Migration;
  readonly #feeds: Readonly<Record<Direction, Feed>>;
  #isEarly = false;

  constructor(
    { role, number }: Pick<Connection, 'role' | 'number'>,
    m: Migration,
    read: (direction: Direction, incoming: Incoming) => Reading,
  ) {
    const name = nameOf(role, number);
    const connection: Connection = { role, number, name, state: { kind: 'connected' } };
    this.connection = connection;
    this.#m = m;
    this.#feeds = {
      'to-destination': new Feed(function* (incoming) {
        if (yield* readPreamble(m, connection, incoming)) yield* read('to-destination', incoming);
      }),
      'to-source': new Feed(function* (incoming) {
        if (yield* readAnswer(m, connection, incoming)) yield* read('to-source', incoming);
        else if (connection.state.kind === 'refused') yield* readNothing(m, '1.1', name, incoming);
      }),
    };
  }

  push(direction: Direction, bytes: Buffer): void {
    const { name, state } = this.connection;
    const feed = this.#feeds[direction];
    const end = feed.bytes + bytes.byteLength;
    if (direction === 'to-destination' && end > PREAMBLE_BYTES && state.kind !== 'accepted') {
      const place = { channel: name, direction, offset: PREAMBLE_BYTES };
      const expected = 'nothing but the preamble before the channel is accepted';
      if (!this.#isEarly) this.#m.violates('5', place, expected, `${end - PREAMBLE_BYTES} bytes`);
      this.#isEarly = true;
    }
    feed.push(bytes);
  }

  /** All has come that will: nothing may have been begun that is not whole. */
  end(): void {
    const { name: channel, role } = this.connection;
    for (const direction of DIRECTIONS) {
      const feed = this.#feeds[direction];
      if (feed.isWhole) continue;
      const [section, what] = role === 'control' ? ['3', 'message'] : ['2', 'record'];
      const place = { channel, direction, offset: feed.incoming.started };
      this.#m.violates(
        section,
        place,
        `a whole ${what}`,
        `${feed.bytes - place.offset} bytes of one`,
      );
    }
  }

  get bytes(): CaptureCheck['bytes'][number] {
    const count = (direction: Direction) => this.#feeds[direction].bytes;
    return {
      channel: this.connection.name,
      'to-destination': count('to-destination'),
      'to-source': count('to-source'),
    };
  }
}

/** What a migration's channels carry, in the order in which the capturing side saw it. */
class CapturedMigration {
  readonly m: Migration;
  readonly figures = new RecordFigures();
  readonly #control: ControlConversation;
  readonly #channels = new Map<ChannelName, Channel>();

  constructor(side: Side, history: PageHistory | undefined) {
    this.m = new Migration(side, history);
    this.#control = new ControlConversation(this.m);
  }

  take({ role, number, direction, bytes }: Block): void {
    const name = nameOf(role, number);
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new Channel({ role, number }, this.m, this.#readerOf(role, number));
      this.#channels.set(name, channel);
    }
    channel.push(direction, bytes);
  }

  #readerOf(role: Role, number: number): (direction: Direction, incoming: Incoming) => Reading {
    const { m, figures } = this;
    switch (role) {
      case 'control':
        return (direction, incoming) => this.#control.read(direction, incoming);
      case 'page':
        return (direction, incoming) =>
          direction === 'to-destination'
            ? readPageChannel(m, figures, m.pageChannel(number), incoming)
            : readNothing(m, '2', nameOf(role, number), incoming);
      case 'fault': {
        const fault = new FaultChannel(m, figures);
        return (direction, incoming) =>
          direction === 'to-destination'
            ? fault.readAnswers(incoming)
            : fault.readRequests(incoming);
      }
      default:
        return role satisfies never;
    }
  }

  /** What the page's history is told when all has been read. */
  settleHistory(): void {
    const { history, isOpened, pages, switchover } = this.m;
    if (history === undefined) return;
    history.guestPages = isOpened ? pages : null;
    history.finalRound = switchover?.sync ?? null;
  }

  /** The capture has its end. */
  end(): void {
    if (this.#outcome !== 'completed') return;
    // The destination closes the fault channel when it has every page, and may do so within an answer.
    for (const channel of this.#channels.values()) {
      if (channel.connection.role !== 'fault') channel.end();
    }
  }

  get #outcome(): CaptureCheck['outcome'] {
    if (this.#channels.get('control')?.connection.state.kind === 'refused') return 'refused';
    return this.#control.outcome ?? 'unfinished';
  }

  get check(): Omit<CaptureCheck, 'side' | 'startedMs' | 'cut'> {
    const { m, figures } = this;
    return {
      migrationId: m.id?.toString('hex') ?? null,
      strategy: this.#control.strategy ?? null,
      outcome: this.#outcome,
      messages: this.#control.messages,
      records: figures.records,
      pages: figures.pages,
      payloadBytes: figures.payloadBytes,
      bytes: [...this.#channels.values()].map((channel) => channel.bytes),
      violationCount: m.violations.count,
      violations: m.violations.kept,
    };
  }
}

function nameOf(role: Role, number: number): ChannelName {
  return role === 'page' ? `page ${number}` : role;
}

/**
 * Reads a capture to its end, and holds no more of it at once than one message. Throws CaptureUnreadable for a file that
 * is no capture; one that was cut short is checked as far as it goes. On return `history` has how its page came.
 */
export async function checkCapture(
  chunks: AsyncIterable<Buffer>,
  history?: PageHistory,
): Promise<CaptureCheck> {
  const { head, capture } = await Capture.open(chunks);
  const captured = new CapturedMigration(head.side, history);
  let cut: string | null = null;
  try {
    for await (const block of capture.blocks()) captured.take(block);
    captured.end();
  } catch (error) {
    if (!(error instanceof CaptureUnreadable) || error.kind !== 'cut') throw error;
    cut = error.message;
  }
  captured.settleHistory();
  return { ...head, ...captured.check, cut };
}
