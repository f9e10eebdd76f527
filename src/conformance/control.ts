/** The control channel: messages, and the order in which they have a meaning (docs/protocol.md, sections 3 and 5). */
import { MOST } from './bounds.js';
import type { Incoming, Reading } from './incoming.js';
import { decodeMessagePack, type Fields, NotMessagePack, type Value } from './message-pack.js';
import { MESSAGES, SECTION_OF } from './messages.js';
import type { Migration, Space } from './migration.js';
import { queryIsCommon } from './preambles.js';
import { show, wholeOf } from './schema.js';
import type { Direction, Place } from './violation.js';

const LENGTH_BYTES = 4;
const PAGE_BYTES = 4096;
const KINDS: readonly string[] = ['ram'];
const NEEDED = ['raw', 'zero'];

interface Message {
  readonly type: string;
  readonly fields: Fields;
  readonly place: Place;
}

interface Offers {
  readonly contents: readonly string[];
  readonly spaceKinds: readonly string[];
}

/** How far the conversation is. */
type Stage =
  | 'connected'
  | 'opening'
  | 'asking'
  | 'copying'
  | 'switching'
  | 'ready'
  | 'resuming'
  | 'running'
  | 'complete'
  | 'verifying';

/** When a message has a meaning, and what it brings about. */
interface Step {
  readonly when: readonly Stage[];
  readonly enters?: Stage;
  readonly take?: (message: Message) => void;
}

/** As long as the source may end the migration. */
const BEFORE_COMMIT: readonly Stage[] = ['connected', 'opening', 'copying', 'switching', 'ready'];

export class ControlConversation {
  /** How often each message came. */
  readonly messages: Readonly<Record<Direction, Record<string, number>>> = {
    'to-destination': {},
    'to-source': {},
  };
  strategy: string | undefined;
  outcome: 'query' | 'completed' | 'failed' | 'cancelled' | undefined;
  readonly #m: Migration;
  #stage: Stage = 'connected';
  #offers: Offers | undefined;
  #spaceKinds: readonly string[] = [];
  #maxStateBytes: number | undefined;
  #faultPath = false;
  /** What waits for its answer. */
  readonly #clocks: (Value | undefined)[] = [];
  readonly #rounds: number[] = [];
  #named = 0;
  /** The last message of a side that says no more, but for `alive` of a source that gave up. */
  readonly #last: Partial<Record<Direction, string>> = {};

  readonly #steps: Readonly<Record<string, Step>> = {
    open: { when: ['connected'], enters: 'opening', take: (message) => this.#open(message) },
    query: { when: ['connected'], enters: 'asking', take: (message) => this.#query(message) },
    outcome: { when: ['asking'], take: (message) => this.#ends(message, 'query') },
    opened: { when: ['opening'], enters: 'copying', take: (message) => this.#opened(message) },
    clock: { when: ['copying'], take: ({ fields }) => this.#clocks.push(fields.get('sentNs')) },
    clocked: {
      when: ['copying', 'switching', 'ready', 'resuming', 'running', 'complete'],
      take: (message) => this.#clocked(message),
    },
    round: { when: ['copying'], take: (message) => this.#rounds.push(this.#name(message)) },
    rounded: { when: ['copying', 'switching'], take: (message) => this.#rounded(message) },
    switchover: {
      when: ['copying'],
      enters: 'switching',
      take: (message) => this.#switchover(message),
    },
    ready: {
      when: ['switching'],
      enters: 'ready',
      take: ({ place }) => this.#reached(place, this.#m.switchover?.sync ?? 0, 'ready'),
    },
    resume: { when: ['ready'], enters: 'resuming' },
    running: { when: ['resuming'], enters: 'running' },
    pushed: { when: ['running', 'complete'], take: (message) => this.#pushed(message) },
    complete: { when: ['running'], enters: 'complete', take: ({ place }) => this.#complete(place) },
    verify: { when: ['complete'], enters: 'verifying' },
    verified: { when: ['verifying'], enters: 'complete' },
    bye: { when: ['complete'], take: (message) => this.#ends(message, 'completed') },
    cancel: { when: BEFORE_COMMIT, take: (message) => this.#ends(message, 'cancelled') },
    failed: { when: BEFORE_COMMIT, take: (message) => this.#ends(message, 'failed') },
  };

  constructor(m: Migration) {
    this.#m = m;
  }

  *read(direction: Direction, incoming: Incoming): Reading {
    const m = this.#m;
    for (;;) {
      const place = { channel: 'control', direction, offset: incoming.begin() };
      const length = (yield* incoming.take(LENGTH_BYTES)).readUInt32LE(0);
      const most = MOST.messageBytes + this.#stateBytes(direction);
      if (length > most) {
        m.violates('3', place, `a message of at most ${most} bytes`, `${length}`);
        return;
      }
      const message = this.#decode(place, yield* incoming.take(length));
      if (message === undefined) continue;
      if (length > MOST.messageBytes && message.type !== 'switchover') {
        m.violates(
          '3',
          place,
          `at most ${MOST.messageBytes} bytes but for switchover`,
          `${message.type} of ${length}`,
        );
      }
      this.#take(message);
    }
  }

  /** By so much a message may be longer now. */
  #stateBytes(direction: Direction): number {
    const isNext = direction === 'to-destination' && this.#stage === 'copying';
    return isNext ? (this.#maxStateBytes ?? 0) : 0;
  }

  /** Undefined for a message that is skipped, or not right. */
  #decode(place: Place, bytes: Buffer): Message | undefined {
    const m = this.#m;
    const { direction } = place;
    let fields: Value;
    try {
      fields = decodeMessagePack(bytes);
    } catch (error) {
      if (!(error instanceof NotMessagePack)) throw error;
      m.violates('3', place, 'a message in MessagePack', error.message);
      return undefined;
    }
    if (!(fields instanceof Map)) {
      m.violates('3', place, 'a map', show(fields));
      return undefined;
    }
    const type = fields.get('type');
    const check = typeof type === 'string' ? ownOf(MESSAGES[direction], type) : undefined;
    if (typeof type !== 'string' || check === undefined) {
      const isOptional = typeof type === 'string' && fields.get('optional') === true;
      if (isOptional) this.#count(direction, `${type} (skipped)`);
      else m.violates('3', place, 'a message of this side', `type ${show(type)}`);
      return undefined;
    }
    this.#count(direction, type);
    const complaint = check(fields, '');
    if (complaint === undefined) return { type, fields, place };
    const { field, expected, found } = complaint;
    m.violates(SECTION_OF[direction], place, `${type}: ${field}: ${expected}`, found);
    return undefined;
  }

  #count(direction: Direction, name: string): void {
    const counts = this.messages[direction];
    counts[name] = (counts[name] ?? 0) + 1;
  }

  #take(message: Message): void {
    const { type, place } = message;
    const m = this.#m;
    const last = this.#last[place.direction];
    if (last !== undefined && !(type === 'alive' && last !== 'bye')) {
      m.violates('5', place, `nothing after ${last}`, type);
      return;
    }
    if (type === 'alive') return;
    if (place.direction === 'to-source' && type === 'failed') {
      this.#failed(message);
      return;
    }
    const step = this.#steps[type];
    if (step === undefined || !step.when.includes(this.#stage)) {
      m.violates('5', place, `what has a meaning while ${this.#stage}`, type);
      return;
    }
    this.#stage = step.enters ?? this.#stage;
    step.take?.(message);
  }

  #query({ place }: Message): void {
    if (queryIsCommon(this.#m)) return;
    this.#m.violates('3.4', place, 'query where that feature is common', 'it is not');
  }

  /** Its side says no more. */
  #ends({ type, place }: Message, outcome: NonNullable<typeof this.outcome>): void {
    this.outcome = outcome;
    this.#last[place.direction] = type;
  }

  #open({ fields, place }: Message): void {
    const m = this.#m;
    this.strategy = fields.get('strategy') as string;
    m.channels = number(fields, 'channels');
    this.#offers = offersOf(fields.get('offers') as Fields);
    const spaces = (fields.get('spaces') as Fields[]).map((space) => ({
      kind: space.get('kind') as string,
      bytes: number(space, 'bytes'),
      pageBytes: number(space, 'pageBytes'),
    }));
    this.#spaceKinds = spaces.map(({ kind }) => kind);
    m.spaces = this.#layOut(spaces, place);
    this.#checkOffers(this.#offers, place);
    const populated = number(fields, 'populatedBytes');
    const bytes = spaces.reduce((sum, space) => sum + space.bytes, 0);
    if (populated > bytes) {
      m.violates(
        '3.1',
        place,
        `open: populatedBytes: at most ${bytes}, all spaces`,
        `${populated}`,
      );
    }
    this.#checkDense(fields, populated, place);
  }

  #layOut(
    spaces: readonly { kind: string; bytes: number; pageBytes: number }[],
    place: Place,
  ): Space[] {
    const m = this.#m;
    const laid: Space[] = [];
    for (const { kind, bytes, pageBytes } of spaces) {
      if (!KINDS.includes(kind)) m.violates('2.2', place, `a space of kind ${KINDS.join()}`, kind);
      else if (pageBytes !== PAGE_BYTES) {
        m.violates('2.2', place, `ram in pages of ${PAGE_BYTES} bytes`, `pages of ${pageBytes}`);
      } else if (bytes % pageBytes !== 0) {
        m.violates('2.2', place, 'a space of whole pages', `${bytes} bytes`);
      }
      const pages = Math.floor(bytes / pageBytes);
      laid.push({ firstPage: m.pages, pages, pageBytes });
      m.pages += pages;
    }
    return laid;
  }

  #checkOffers({ contents, spaceKinds }: Offers, place: Place): void {
    const m = this.#m;
    const missing = NEEDED.filter((name) => !contents.includes(name));
    if (missing.length > 0)
      m.violates('3.3', place, 'raw and zero in every offer', `no ${missing.join()}`);
    const kinds = this.#spaceKinds.filter((kind) => !spaceKinds.includes(kind));
    if (kinds.length > 0) {
      m.violates('3.3', place, 'the kinds of all spaces in the offer', `no ${kinds.join()}`);
    }
  }

  #checkDense(fields: Fields, populated: number, place: Place): void {
    const m = this.#m;
    let [end, sum] = [0, 0];
    for (const run of fields.get('dense') as Fields[]) {
      const [page, pages] = [number(run, 'page'), number(run, 'pages')];
      if (page < end) {
        m.violates('3.1', place, `open: dense: a run from ${end} on`, `one at ${page}`);
      }
      end = page + pages;
      sum += pages * PAGE_BYTES;
    }
    if (end > m.pages)
      m.violates('3.1', place, `open: dense: pages below ${m.pages}`, `${end - 1}`);
    if (sum > populated) {
      m.violates('3.1', place, `open: dense: at most populatedBytes, ${populated}`, `${sum} bytes`);
    }
  }

  #opened({ fields, place }: Message): void {
    const m = this.#m;
    m.isOpened = true;
    this.#maxStateBytes = number(fields, 'maxStateBytes');
    this.#faultPath = fields.get('faultPath') === true;
    if (!this.#faultPath && typeof fields.get('faultPathReason') !== 'string') {
      m.violates('3.2', place, 'opened: faultPathReason where faultPath is false', 'nothing');
    }
    const accepts = offersOf(fields.get('accepts') as Fields);
    m.accepts = new Set(accepts.contents);
    const offers = this.#offers;
    if (offers === undefined) return;
    const surplus = [
      ...accepts.contents.filter((name) => !offers.contents.includes(name)),
      ...accepts.spaceKinds.filter((kind) => !offers.spaceKinds.includes(kind)),
    ];
    if (surplus.length > 0) m.violates('3.3', place, 'only what was offered', surplus.join(', '));
    const missing = [
      ...NEEDED.filter((name) => !accepts.contents.includes(name)),
      ...this.#spaceKinds.filter((kind) => !accepts.spaceKinds.includes(kind)),
    ];
    if (missing.length > 0) {
      m.violates(
        '3.3',
        place,
        'raw, zero and the kinds of all spaces accepted',
        `no ${missing.join()}`,
      );
    }
  }

  /** A message that names a sync. Answers which. */
  #name({ type, fields, place }: Message): number {
    const m = this.#m;
    const sync = number(fields, 'sync');
    if (sync <= this.#named) {
      m.violates('5', place, `${type} that names a sync after ${this.#named}`, `sync ${sync}`);
    }
    this.#named = Math.max(this.#named, sync);
    // The source has sent the sync; the switchover alone goes ahead of its own.
    if (type !== 'switchover' && m.side === 'source') this.#reached(place, sync, type);
    return sync;
  }

  #reached(place: Place, sync: number, type: string): void {
    const behind = this.#m.channelsBefore(sync);
    if (behind.length === 0) return;
    this.#m.violates(
      '5',
      place,
      `sync ${sync} on every page channel before ${type}`,
      `not on ${behind.join(', ')}`,
    );
  }

  #rounded({ fields, place }: Message): void {
    const sync = number(fields, 'sync');
    const asked = this.#rounds.shift();
    if (asked !== sync) {
      this.#m.violates(
        '3.2',
        place,
        asked === undefined ? 'rounded after round' : `sync ${asked}`,
        `sync ${sync}`,
      );
    }
    this.#checkAnnounced((round) => round === sync);
    this.#reached(place, sync, 'rounded');
  }

  #clocked({ fields, place }: Message): void {
    const asked = this.#clocks.shift();
    const found = fields.get('sentNs');
    if (asked !== undefined && asked === found) return;
    const expected =
      asked === undefined ? 'clocked after clock' : `clocked: sentNs: ${show(asked)}`;
    this.#m.violates('3.2', place, expected, show(found));
  }

  #switchover(message: Message): void {
    const { fields, place } = message;
    const m = this.#m;
    const sync = this.#name(message);
    const postCopy = fields.get('postCopy') === true;
    m.switchover = { sync, postCopy };
    if (postCopy && !this.#faultPath) {
      m.violates('3.2', place, 'post-copy where faultPath says that it is possible', 'it is not');
    }
    const state = (fields.get('state') as Uint8Array).byteLength;
    const most = this.#maxStateBytes ?? 0;
    if (state > most) m.violates('3.2', place, `a state of at most ${most} bytes`, `${state}`);
    this.#checkAnnounced((round) => !postCopy || round !== sync);
  }

  /** Missing pages were announced before it was known whether they may be. */
  #checkAnnounced(isWrong: (round: number) => boolean): void {
    for (const channel of this.#m.pageChannels) {
      for (const [round, place] of channel?.announced ?? []) {
        if (!isWrong(round)) continue;
        this.#m.violates(
          '2.1',
          place,
          'missing entries in the final round of post-copy alone',
          `one in round ${round}`,
        );
        channel?.announced.delete(round);
      }
    }
  }

  #pushed(message: Message): void {
    const m = this.#m;
    const { place } = message;
    if (m.switchover?.postCopy !== true) {
      m.violates('3.1', place, 'pushed in post-copy alone', 'one without');
    }
    this.#name(message);
    this.#checkTravelled(place, 'pushed');
  }

  #complete(place: Place): void {
    this.#m.isComplete = true;
    this.#checkTravelled(place, 'complete');
  }

  /** What the destination captured may hold a message before bytes of page channels that were sent earlier. */
  #checkTravelled(place: Place, type: string): void {
    const m = this.#m;
    const left = m.residual.some();
    if (left === undefined || (type === 'pushed' && m.side === 'destination')) return;
    m.violates(
      '5',
      place,
      `every page of the residual set sent before ${type}`,
      `page ${left} was not`,
    );
  }

  #failed({ fields, place }: Message): void {
    const hasRun = this.#stage === 'running' || this.#stage === 'complete';
    if (hasRun && fields.get('neverRan') === true) {
      this.#m.violates('4', place, 'failed without neverRan after running', 'neverRan');
    }
    this.#last['to-source'] = 'failed';
    this.outcome ??= 'failed';
  }
}

function ownOf<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Of a field that was checked. */
function number(fields: Fields, name: string): number {
  return wholeOf(fields.get(name)) ?? 0;
}

function offersOf(fields: Fields): Offers {
  return {
    contents: fields.get('contents') as string[],
    spaceKinds: fields.get('spaceKinds') as string[],
  };
}
