/** Asks a destination what became of a migration (docs/protocol.md, 3.4). */
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Connection } from '../native/connections.js';
import { addressOf } from '../options/address.js';
import { openCredentials, serverNameOf } from '../options/credentials.js';
import { checkOptions } from '../options/field.js';
import { requireSecurity } from '../options/security.js';
import { OUTCOME_SCHEMA, SOURCE_FIELDS } from '../options/source-fields.js';
import { ControlChannel } from '../protocol/channel.js';
import {
  type DestinationMessage,
  parseDestinationMessage,
  type SourceMessage,
} from '../protocol/messages.js';
import { migrationIdOf, randomMigrationId } from '../protocol/migration-id.js';
import { formatAddress } from '../units.js';
import { explainConnect } from './connect.js';
import type { SourceOptions } from './options.js';

type Asking = Pick<
  SourceOptions,
  'host' | 'port' | 'path' | 'tls' | 'insecure' | 'connectMs' | 'stallMs'
>;

export interface MigrationOutcome {
  /**
   * `unknown` says nothing about the guest. `arriving`: it is the source's. `running`: it is the destination's, and pages may
   * be missing. `complete`: every page is there. `failed`: it never ran there and never will. `lost`: it is there and cannot go
   * on.
   */
  readonly state: Extract<DestinationMessage, { type: 'outcome' }>['state'];
  /** Why it failed or was lost. */
  readonly code?: string;
  /** For so long. */
  readonly sinceMs: number;
}

/**
 * How the destination there stands to the migration of this id, 32 hexadecimal digits as the report has it. Changes
 * nothing. Rejects as migrate() does where the destination cannot be asked; UNSUPPORTED where it remembers no outcomes.
 */
export async function askOutcome(migrationId: string, options: Asking): Promise<MigrationOutcome> {
  checkOptions('the question', OUTCOME_SCHEMA, { migrationId, ...options });
  const address = addressOf('the question', options, {});
  requireSecurity('the question', address, options);
  const credentials = openCredentials('the question', options.tls);
  const stallMs = options.stallMs ?? SOURCE_FIELDS.stallMs.default;
  const connecting = binding.connect({
    address,
    credentials,
    ...serverNameOf(options.tls),
    role: 'control',
    channel: 0,
    migrationId: randomMigrationId(),
    capture: null,
    timeoutMs: options.connectMs ?? SOURCE_FIELDS.connectMs.default,
    stallMs,
  });
  const connection = await connecting.catch((error) => {
    throw explainConnect(error, 'control', { address, credentials });
  });
  if (!connection.features.includes('query')) {
    connection.close();
    const peer = formatAddress(address);
    throw new PageferryError('UNSUPPORTED', `${peer} remembers no outcomes`, { peer });
  }
  return await ask(connection, migrationIdOf(migrationId), stallMs);
}

async function ask(
  connection: Connection,
  id: Uint8Array,
  stallMs: number,
): Promise<MigrationOutcome> {
  const channel = new ControlChannel<SourceMessage, DestinationMessage>(connection, {
    parse: parseDestinationMessage,
    stallMs,
  });
  try {
    channel.send({ type: 'query', id });
    const answer = await channel.receive();
    if (answer.type !== 'outcome') {
      throw new PageferryError('PROTOCOL', `${channel.peer} answered with ${answer.type}`);
    }
    const { state, code, sinceMs } = answer;
    return { state, ...(code === '' ? {} : { code }), sinceMs };
  } catch (error) {
    throw asPageferryError(error, `asking ${channel.peer}`);
  } finally {
    channel.close();
    await channel.closed;
  }
}
