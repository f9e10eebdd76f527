/** Opens the source's connections and says in plain words why one could not be opened. */
import { asPageferryError, errnoOf, nativeCode, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ChannelRole, Connection } from '../native/connections.js';
import { formatAddress, missesZone, withZone } from '../units.js';
import type { SourceMigration } from './migration.js';
import type { ResolvedOptions } from './options.js';

/** Rejects at once when the migration is called off; a connection that comes after that is closed. */
export async function openConnection(
  m: SourceMigration,
  role: ChannelRole,
  channel: number,
): Promise<Connection> {
  const { address, credentials, serverName, connectMs, stallMs } = m.options;
  try {
    const connecting = binding.connect({
      address,
      credentials,
      ...(serverName === undefined ? {} : { serverName }),
      role,
      channel,
      migrationId: m.options.migrationId,
      timeoutMs: connectMs,
      capture: m.capture ?? null,
      stallMs,
    });
    connecting.then(
      (connection) => {
        if (m.failure !== undefined) connection.close();
      },
      () => {}, // Told below, unless nobody waits any more.
    );
    return await m.orCalledOff(connecting);
  } catch (error) {
    if (error instanceof PageferryError) throw error;
    throw explainConnect(error, role, m.options);
  }
}

/** Why the connection could not be opened, in plain words. */
export function explainConnect(
  error: unknown,
  role: ChannelRole,
  { address, credentials }: Pick<ResolvedOptions, 'address' | 'credentials'>,
): PageferryError {
  // A destination tells a stranger nothing, also not that it wants TLS.
  const hint =
    credentials === null ? '. A destination with TLS does the same: then give --tls or --psk' : '';
  const peer = formatAddress(address);
  const details = { peer, cause: error };
  const reason = error instanceof Error ? error.message : String(error);
  switch (nativeCode(error)) {
    case 'TIMED_OUT':
      if (errnoOf(error) === 'EAGAIN') {
        return new PageferryError(
          'UNREACHABLE',
          `${peer} ${reason}. It may be stopped, or out of file descriptors: look at its log`,
          details,
        );
      }
      return new PageferryError(
        'UNREACHABLE',
        `${peer} does not answer. Is a destination running there, and does a firewall let it through?`,
        details,
      );
    case 'PROTOCOL':
      // It took the control channel, so it does speak our protocol: it has given this migration up since, and
      // says on the control channel why.
      if (role !== 'control') {
        return new PageferryError(
          'PEER_GONE',
          `${peer} has given up the migration: it ${reason}`,
          details,
        );
      }
      return new PageferryError(
        'NOT_PAGEFERRY',
        `${peer} ${reason}. Something else may be listening there: check the port${hint}`,
        details,
      );
    case 'UNSUPPORTED':
      return new PageferryError(
        'VERSION_MISMATCH',
        `${peer} ${reason}. Run the same release on both sides`,
        details,
      );
    case 'UNTRUSTED':
      return new PageferryError('UNTRUSTED', `${peer}: ${reason}`, details);
    case 'BUSY':
      return new PageferryError('BUSY', `${peer} ${reason}. Try again when one has ended`, details);
    case 'EXISTS':
      return new PageferryError(
        'ID_IN_USE',
        `${peer} ${reason}. Look there what became of it, and give another attempt another id`,
        details,
      );
    case 'INVALID_ARGUMENT':
      return new PageferryError('UNREACHABLE', `${peer}: ${reason}. Check the host name`, details);
    default:
      break;
  }
  switch (errnoOf(error)) {
    case 'EINVAL':
      if (!missesZone(address)) break;
      return new PageferryError(
        'USAGE',
        `cannot connect to ${peer}: a link-local address needs its interface. Write it as ${withZone(address)}`,
        details,
      );
    case 'ENOENT':
      return new PageferryError(
        'UNREACHABLE',
        `there is no ${peer}. Start a destination there, or the tunnel that leads to one`,
        details,
      );
    case 'EACCES':
      return new PageferryError(
        'UNREACHABLE',
        `cannot connect to ${peer}: it is another user's. Run both as one user, or let this one write to it`,
        details,
      );
    case 'ECONNREFUSED':
      return new PageferryError(
        'UNREACHABLE',
        `nothing listens at ${peer}. Start one there: pageferry destination --listen ${peer}`,
        details,
      );
    case 'EMFILE':
    case 'ENFILE':
      return new PageferryError(
        'SYSTEM',
        `no file descriptor is left here to connect to ${peer} with. Close some, or raise the limit: ulimit -n`,
        details,
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new PageferryError(
        'UNREACHABLE',
        `there is no route to ${peer}. Check the address`,
        details,
      );
    default:
      break;
  }
  return asPageferryError(error, `cannot connect to ${peer}`, { peer });
}
