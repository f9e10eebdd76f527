/** Sections 6 and 7: how long each state lasts, and what a peer may make the other side hold. */
import { OUTCOMES_REMEMBERED } from '../../../src/destination/outcomes.js';
import { LEAST_UNOPENED, MOST_SPACES_TOGETHER } from '../../../src/destination/places.js';
import { STANDS_AS } from '../../../src/destination/standing.js';
import { SOURCE_PHASES } from '../../../src/metrics/events.js';
import { DESTINATION_FIELDS } from '../../../src/options/destination-fields.js';
import { STALL_MS } from '../../../src/options/shared-fields.js';
import { SOURCE_FIELDS } from '../../../src/options/source-fields.js';
import { MAX_CHANNELS } from '../../../src/policy/copying.js';
import {
  GOODBYE_MS,
  GUEST_CALL_MS,
  OPEN_WITHIN_MS,
  WORKED_THROUGH_BYTES_PER_MS,
} from '../../../src/policy/deadlines.js';
import { LAST_WORDS_MS, MAX_UNTAKEN_BYTES, MAX_WAITING } from '../../../src/protocol/channel.js';
import { MAX_MESSAGE_BYTES, MAX_STATE_BYTES } from '../../../src/protocol/framing.js';
import {
  MAX_CONTENTS,
  MAX_DENSE_PARTS,
  MAX_DESCRIPTION_BYTES,
  MAX_GUEST_CALL_MS,
  MAX_OBSERVE_MS,
  MAX_SPACE_KINDS,
  MAX_SPACES,
  MAX_TEXT,
} from '../../../src/protocol/messages.js';
import { STATE_BYTES_PER_MS } from '../../../src/source/phases/commit-switchover.js';
import { tableWith } from '../markdown-tables.js';
import {
  type Code,
  column,
  type Differences,
  type Document,
  numberAfter,
  numbersIn,
  type Rows,
} from './code.js';

const MB_PER_SECOND = WORKED_THROUGH_BYTES_PER_MS / 1000;

/** Each once, in the order in which they come first. */
function statesOf(rows: Rows): string[] {
  return [...new Set(column(rows, 'state'))];
}

/** The milliseconds of every `N seconds` in a column, and the number in every `each N`. */
function timesIn(rows: Rows): { ms: number[]; each: number[] } {
  const cells = column(rows, 'no longer than').join('\n');
  return {
    ms: [...cells.matchAll(/(\d+) seconds?/g)].map(([, seconds]) => Number(seconds) * 1000),
    each: [...cells.matchAll(/for each (\d+)/g)].map(([, number]) => Number(number)),
  };
}

export function compareDeadlines(
  differences: Differences,
  { text, tables }: Document,
  { constants }: Code,
): void {
  const destination = tableWith(tables, ['state', 'begins with', 'waits for', 'no longer than']);
  differences.equal("the destination's states", statesOf(destination), [
    'connected',
    ...Object.keys(STANDS_AS),
  ]);
  differences.equal("the destination's deadlines", timesIn(destination), {
    ms: [constants.preambleTimeoutMs, OPEN_WITHIN_MS, GOODBYE_MS, GUEST_CALL_MS, LAST_WORDS_MS],
    each: [MB_PER_SECOND],
  });
  const { connectMs, switchoverMs } = SOURCE_FIELDS;
  const columns = ['state', 'waits for', 'no longer than', 'the time begins again'];
  const source = tableWith(tables, columns);
  differences.equal("the source's states", statesOf(source), [...SOURCE_PHASES, 'ended']);
  differences.equal("the source's deadlines", timesIn(source), {
    ms: [connectMs.default, GUEST_CALL_MS, connectMs.default, LAST_WORDS_MS, LAST_WORDS_MS],
    each: [MB_PER_SECOND, STATE_BYTES_PER_MS],
  });
  const seconds = (words: string) => numberAfter(text, words) * 1000;
  differences.equal('stall timeout', seconds('for the stall timeout \\('), STALL_MS.default);
  differences.equal('least stall timeout', seconds('30 seconds by default,'), STALL_MS.least);
  differences.equal('switchover', seconds('The switchover timeout \\('), switchoverMs.default);
  const call = seconds('load its state, resume it\\) may take');
  differences.equal('a call into a guest', call, DESTINATION_FIELDS.guestCallMs.default);
}

/** The numbers of each row; null where the code has no number to compare. */
function boundsOf({ constants }: Code): Record<string, number[] | null> {
  const { maxMigrations, maxPageChannels, maxStateBytes } = DESTINATION_FIELDS;
  return {
    'bytes before the magic is judged': [constants.magic.byteLength],
    'connections with no complete preamble': [constants.maxPending],
    'of these, from one address': [constants.maxPendingOfAddress],
    'control channels without `open`': [LEAST_UNOPENED],
    migrations: [maxMigrations.default],
    'page channels of a migration': [MAX_CHANNELS],
    'page channels of all migrations, a thread each': [maxPageChannels.default],
    'threads of a migration beside those, to populate its memory or to serve its faults': null,
    'bytes of a message': [MAX_MESSAGE_BYTES],
    'messages that wait to be dealt with, `open` or not': [MAX_WAITING],
    'bytes of messages that the peer does not take, a `switchover` apart': [MAX_UNTAKEN_BYTES],
    'characters of a text': [MAX_TEXT],
    spaces: [MAX_SPACES],
    'spaces of all migrations, a descriptor each': [MOST_SPACES_TOGETHER],
    'dense runs': [MAX_DENSE_PARTS],
    'contents offered': [MAX_CONTENTS],
    'kinds of space offered': [MAX_SPACE_KINDS],
    'members of a block': [constants.maxMembers],
    'bytes of a description': [MAX_DESCRIPTION_BYTES],
    'bytes of memory declared': [],
    'bytes of state': [maxStateBytes.default, MAX_STATE_BYTES],
    'entries of a record': [constants.maxEntries],
    "bytes of a record's payload": [constants.maxPayloadBytes],
    'pages of an entry': [constants.maxPagesPerEntry],
    'bytes of a page channel that are held at once': [constants.maxHeldBytes],
    'requests that wait for their answer at the source': null,
    'milliseconds to observe a guest': [MAX_OBSERVE_MS],
    'milliseconds that a destination grants a call into its guest': [MAX_GUEST_CALL_MS],
    'outcomes remembered': [OUTCOMES_REMEMBERED],
    'time in a state': null,
  };
}

export function compareBounds(differences: Differences, { tables }: Document, code: Code): void {
  const rows = tableWith(tables, ['what a peer decides', 'most', 'beyond that']);
  const bounds = boundsOf(code);
  differences.equal('what is bounded', column(rows, 'what a peer decides'), Object.keys(bounds));
  for (const row of rows) {
    const what = row['what a peer decides'] ?? '';
    const expected = bounds[what];
    if (expected) differences.equal(what, numbersIn(row['most']), expected);
  }
}
