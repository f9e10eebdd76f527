/**
 * What a source may say, in order: one that knows what it does, and then is changed here and there; or one that says
 * whatever comes to its mind.
 */
import fc from 'fast-check';
import type { ChannelRole } from '../../src/native/connections.js';
import { MAX_MESSAGE_BYTES } from '../../src/protocol/framing.js';
import { sourceSchemas } from '../../src/protocol/messages.js';
import { SWITCHOVER } from '../support/handmade-source.js';
import { openMessage } from '../support/raw-client.js';
import { filled, type Message, rightMessages, wrongMessages } from './schema-values.js';

/** Pages of the guests that a source who knows what it does brings. */
export const PAGES = 4;

/** What is sent on a channel as soon as it is there. */
export type Opening = 'nothing' | 'sync 1' | 'all missing, sync 1' | 'all zero, sync 2' | 'noise';

export type Step =
  | { readonly do: 'say'; readonly message: Message }
  /** The first `bytes` of it alone. */
  | { readonly do: 'break off'; readonly message: Message; readonly bytes: number }
  /** A frame that says how long it is, and holds this. */
  | { readonly do: 'frame'; readonly length: number; readonly body: Uint8Array }
  | {
      readonly do: 'connect';
      readonly role: Exclude<ChannelRole, 'control'>;
      readonly channel: number;
      readonly opening: Opening;
    }
  /** On the page channel that connected last. */
  | { readonly do: 'send'; readonly opening: Opening }
  /** Until such a message has come, or the destination has closed. */
  | { readonly do: 'await'; readonly type: string };

export interface Conversation {
  /** `again`: with the id of a migration that another conversation brings. */
  readonly preamble: 'right' | 'no features' | 'resume' | 'again';
  readonly steps: readonly Step[];
  /** `stay`: and say nothing more. */
  readonly end: 'stay' | 'leave' | 'reset';
}

const say = (message: Message): Step => ({ do: 'say', message });
const awaits = (type: string): Step => ({ do: 'await', type });
const connects = (role: 'page' | 'fault', opening: Opening): Step => ({
  do: 'connect',
  role,
  channel: 0,
  opening,
});

/** Migrations from end to end, and a question. */
const SCRIPTS: readonly (readonly Step[])[] = [
  [
    say(openMessage(PAGES)),
    awaits('opened'),
    connects('page', 'sync 1'),
    say({ type: 'clock', sentNs: 1n }),
    say({ type: 'round', sync: 1 }),
    awaits('rounded'),
    say(SWITCHOVER),
    awaits('ready'),
    say({ type: 'resume' }),
    awaits('complete'),
    say({ type: 'verify', observeMs: 0, pages: PAGES }),
    say({ type: 'bye' }),
  ],
  [
    say(openMessage(PAGES)),
    awaits('opened'),
    connects('page', 'all missing, sync 1'),
    connects('fault', 'nothing'),
    say({ ...SWITCHOVER, postCopy: true }),
    awaits('ready'),
    say({ type: 'resume' }),
    awaits('running'),
    { do: 'send', opening: 'all zero, sync 2' },
    say({ type: 'pushed', sync: 2 }),
    awaits('complete'),
    say({ type: 'bye' }),
  ],
  [say({ type: 'query', id: new Uint8Array(16) })],
];

const schemas = Object.values(sourceSchemas);
const sensible = fc.constantFrom(...SCRIPTS.flat());
const messages = fc.oneof(...schemas.map(rightMessages), ...schemas.map(wrongMessages));
const unknown: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom('compliments', 'opened', 'toString', '__proto__', ''),
  optional: fc.constantFrom(true, false, undefined, 1),
  of: fc.constantFrom(1, 1000, MAX_MESSAGE_BYTES - 100, MAX_MESSAGE_BYTES).map(filled),
});
const openings: fc.Arbitrary<Opening> = fc.constantFrom(
  'nothing',
  'sync 1',
  'all missing, sync 1',
  'all zero, sync 2',
  'noise',
);
const anything: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: sensible },
  { weight: 6, arbitrary: messages.map(say) },
  { weight: 2, arbitrary: unknown.map(say) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('break off'), message: messages, bytes: fc.nat(40) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('frame'),
      length: fc.constantFrom(0, 1, 20, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1, 2 ** 32 - 1),
      body: fc.uint8Array({ maxLength: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('connect'),
      role: fc.constantFrom('page', 'fault'),
      channel: fc.constantFrom(0, 1, 63, 64, 2 ** 32 - 1),
      opening: openings,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('send'), opening: openings }) },
);

/** One change of a script. */
interface Edit {
  /** Counted around the script's end. */
  readonly at: number;
  readonly what: 'insert' | 'replace' | 'leave out' | 'repeat' | 'stop';
  readonly step: Step;
}

const edits: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(20),
  what: fc.constantFrom('insert', 'replace', 'leave out', 'repeat', 'stop'),
  step: anything,
});

function edited(script: readonly Step[], { at, what, step }: Edit): readonly Step[] {
  const place = at % (script.length + 1);
  const before = script.slice(0, place);
  const [next, ...after] = script.slice(place);
  if (what === 'stop' || next === undefined) return before;
  switch (what) {
    case 'insert':
      return [...before, step, next, ...after];
    case 'replace':
      return [...before, step, ...after];
    case 'leave out':
      return [...before, ...after];
    case 'repeat':
      return [...before, next, next, ...after];
    default:
      throw new Error(`no such change: ${what satisfies never}`);
  }
}

export const conversations: fc.Arbitrary<Conversation> = fc.record({
  preamble: fc.oneof(
    { weight: 12, arbitrary: fc.constant('right' as const) },
    fc.constantFrom('no features', 'resume', 'again'),
  ),
  steps: fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(...SCRIPTS), fc.array(edits, { maxLength: 3 }))
        .map(([script, changes]) => changes.reduce(edited, script)),
    },
    fc.array(anything, { maxLength: 8 }),
  ),
  end: fc.constantFrom('stay', 'stay', 'leave', 'reset'),
});
