/** Says in plain words why a destination cannot listen. */
import { asPageferryError, errnoOf, PageferryError } from '../errors.js';
import { type Address, formatAddress, missesZone, withZone } from '../units.js';

export function explainListen(error: unknown, wanted: Address): PageferryError {
  const address = formatAddress(wanted);
  switch (errnoOf(error)) {
    case 'EINVAL':
      if (!missesZone(wanted)) break;
      return new PageferryError(
        'USAGE',
        `cannot listen on ${address}: a link-local address needs its interface. Write it as ${withZone(wanted)}`,
        { cause: error },
      );
    case 'EADDRINUSE':
      return new PageferryError(
        'PORT_IN_USE',
        'path' in wanted
          ? `cannot listen on ${address}: another program does, or a file of that name is there. Choose another path`
          : `cannot listen on ${address}: another program does. Choose another port, or 0 for a free one`,
        { cause: error },
      );
    case 'ENOENT':
    case 'EACCES':
      return new PageferryError(
        'USAGE',
        `cannot listen on ${address}: its folder is not there, or this user may not write to it`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
      return new PageferryError(
        'USAGE',
        `cannot listen on ${address}: this host has no such address`,
        {
          cause: error,
        },
      );
    default:
      break;
  }
  return asPageferryError(error, `cannot listen on ${address}`);
}
