/** Where a destination listens: a host and a port, or a path. */
import { PageferryError } from '../errors.js';
import type { Address, TcpAddress } from '../units.js';

export interface AddressOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

/** Throws USAGE where the options name no address, or two. `byDefault`: what stands for a host or a port that is not given. */
export function addressOf(
  whose: string,
  { host, port, path }: AddressOptions,
  byDefault: Partial<TcpAddress>,
): Address {
  if (path !== undefined) {
    if (host === undefined && port === undefined) return { path };
    throw new PageferryError(
      'USAGE',
      `${whose}: path stands for a Unix-domain socket, and host and port for TCP: give one or the other`,
    );
  }
  return {
    host: given(whose, 'host', host ?? byDefault.host),
    port: given(whose, 'port', port ?? byDefault.port),
  };
}

function given<T>(whose: string, name: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new PageferryError('USAGE', `${whose}: the option '${name}' is missing`);
}
