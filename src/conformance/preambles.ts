/** The first exchange on a connection: docs/protocol.md, section 1. */
import type { Incoming, Reading } from './incoming.js';
import type { Migration } from './migration.js';
import type { ChannelName, Place } from './violation.js';

const MAGIC = Buffer.from('PGFERRY\n', 'latin1');
const VERSION = 2;
export const PREAMBLE_BYTES = 40;
const ANSWER_BYTES = 24;
const RESUME = 1;
const ACCEPTED = 0;
const MOST_STATUS = 5;
const QUERY = 1n;

export type Role = 'control' | 'page' | 'fault';
const ROLE_NUMBERS: Readonly<Record<Role, number>> = { control: 1, page: 2, fault: 3 };

/** How far the first exchange of a connection is. */
export type ConnectionState =
  | { readonly kind: 'connected' }
  | { readonly kind: 'asked'; readonly resume: boolean }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' };

export interface Connection {
  readonly role: Role;
  readonly number: number;
  readonly name: ChannelName;
  state: ConnectionState;
}

/** False when nothing that follows can be read. */
export function* readPreamble(
  m: Migration,
  connection: Connection,
  incoming: Incoming,
): Reading<boolean> {
  const { role, number, name } = connection;
  const at = (offset: number): Place => ({ channel: name, direction: 'to-destination', offset });
  incoming.begin();
  const preamble = yield* incoming.take(PREAMBLE_BYTES);
  if (!isOurs(m, preamble, at)) return false;
  const roleNumber = preamble.readUInt8(10);
  if (roleNumber !== ROLE_NUMBERS[role]) {
    m.violates('1.1', at(10), `role ${ROLE_NUMBERS[role]}, ${role}`, `role ${roleNumber}`);
  }
  const flags = preamble.readUInt8(11);
  const allowed = role === 'control' ? RESUME : 0;
  if ((flags & ~allowed) !== 0) {
    m.violates('1.1', at(11), `no flags but ${allowed}`, `flags ${flags}`);
  }
  const channel = preamble.readUInt32LE(12);
  if (channel !== number) m.violates('1.1', at(12), `channel ${number}`, `channel ${channel}`);
  const id = Buffer.from(preamble.subarray(16, 32));
  m.id ??= id;
  if (!m.id.equals(id)) {
    m.violates('1.1', at(16), `migration ${m.id.toString('hex')}`, id.toString('hex'));
  }
  const features = preamble.readBigUInt64LE(32);
  if (role === 'control') m.features.source = features;
  else if (features !== m.features.source) {
    m.violates('1.3', at(32), `features ${m.features.source}, as on control`, `${features}`);
  }
  if (role !== 'control') checkItsTime(m, connection, at(0));
  connection.state = { kind: 'asked', resume: (flags & RESUME) !== 0 };
  return true;
}

function checkItsTime(m: Migration, { role, number }: Connection, place: Place): void {
  if (!m.isOpened) m.violates('1.1', place, 'no channel but control before opened', 'a preamble');
  else if (role === 'page' && number >= m.channels) {
    m.violates('1.1', place, `page channels 0 to ${m.channels - 1}`, `page channel ${number}`);
  }
}

/** False when the connection is not a channel. */
export function* readAnswer(
  m: Migration,
  connection: Connection,
  incoming: Incoming,
): Reading<boolean> {
  const { name } = connection;
  const at = (offset: number): Place => ({ channel: name, direction: 'to-source', offset });
  incoming.begin();
  const answer = yield* incoming.take(ANSWER_BYTES);
  const asked = connection.state;
  if (asked.kind !== 'asked') {
    m.violates('1.1', at(0), 'an answer after the preamble', 'one before its end');
  }
  const status = answer.readUInt16LE(10);
  // An answer of another version has another length; these bytes are the same in each.
  if (!isOurs(m, answer, at)) return false;
  if (status > MOST_STATUS) m.violates('1.1', at(10), `a status up to ${MOST_STATUS}`, `${status}`);
  const reserved = answer.readUInt32LE(12);
  if (reserved !== 0) m.violates('1.1', at(12), 'reserved bytes of 0', `${reserved}`);
  if (connection.role === 'control') m.features.destination = answer.readBigUInt64LE(16);
  connection.state = { kind: status === ACCEPTED ? 'accepted' : 'refused' };
  if (status !== ACCEPTED) return false;
  if (asked.kind === 'asked' && asked.resume) {
    m.violates('1.2', at(10), 'unknown-migration or not-resumable to a resume', 'accepted');
  }
  m.accepted.add(name);
  return true;
}

function isOurs(m: Migration, bytes: Buffer, at: (offset: number) => Place): boolean {
  const magic = bytes.subarray(0, MAGIC.byteLength);
  if (!magic.equals(MAGIC)) {
    m.violates('1.1', at(0), `the magic ${MAGIC.toString('hex')}`, magic.toString('hex'));
    return false;
  }
  const version = bytes.readUInt16LE(8);
  if (version === VERSION) return true;
  m.violates('1.1', at(8), `version ${VERSION}`, `version ${version}`);
  return false;
}

/** Both sides remember outcomes, or ask for them. */
export function queryIsCommon({ features }: Migration): boolean {
  return (features.source & features.destination & QUERY) !== 0n;
}

/** Where nothing may come. */
export function* readNothing(
  m: Migration,
  section: string,
  channel: ChannelName,
  incoming: Incoming,
): Reading {
  const offset = incoming.begin();
  yield* incoming.take(1);
  m.violates(section, { channel, direction: 'to-source', offset }, 'nothing here', 'bytes');
}
