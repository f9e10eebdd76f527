/** Connects the page and fault channels, and makes what sends on them. */
import { availableParallelism } from 'node:os';
import { asPageferryError, nativeCode } from '../../errors.js';
import { binding } from '../../native/binding.js';
import type { Connection } from '../../native/connections.js';
import { sendBufferBytes } from '../../policy/copying.js';
import { openConnection } from '../connect.js';
import { EffortDriver, firstEncoding } from '../effort.js';
import type { SourceMigration } from '../migration.js';

/** On return every page channel and the fault channel are connected, and have the threads that they need. */
export async function openChannels(m: SourceMigration): Promise<void> {
  const { channels } = m.options;
  const numbers = Array.from({ length: channels }, (_, number) => number);
  const opening = [
    ...numbers.map((number) => openConnection(m, 'page', number)),
    openConnection(m, 'fault', 0),
  ];
  const settled = await Promise.allSettled(opening);
  const connections = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = settled.find((one) => one.status === 'rejected');
  if (refused !== undefined) {
    for (const connection of connections) connection.close();
    throw refused.reason;
  }
  const faultConnection = connections.pop();
  if (faultConnection === undefined) throw new Error('no fault channel');
  m.faultConnection = faultConnection;
  const copying = { ...m.options, sameHost: m.sameHost };
  const encoding = firstEncoding(m.compression, m.options);
  m.sender = binding.createPageSender(
    m.guest.memory,
    connections,
    m.bucket,
    encoding,
    sendBufferBytes(copying, availableParallelism()),
  );
  m.effort = new EffortDriver(m.compression, m.options, m.sender, encoding);
  m.effort.begin();
  if (m.options.strategy.mayServeFaults) startPageServer(m, faultConnection);
}

/**
 * Started while the guest runs, as the page channels are: once it is paused nothing may fail for want of a
 * thread. And a fault channel that is dead by the commit point is noticed in time.
 */
function startPageServer(m: SourceMigration, faultConnection: Connection): void {
  const { memory } = m.guest;
  m.residual = binding.createResidualSet(memory);
  m.server = binding.startPageServer(memory, m.residual, m.bucket, faultConnection, (error) => {
    const failure = asPageferryError(error, 'the fault channel failed', { peer: m.control.peer });
    // A closed one says nothing by itself: the destination closes it when it gives up, and when every
    // page has come. What it means comes on the control channel. But no guest is given up without it.
    if (nativeCode(error) === 'PEER_CLOSED') m.faultChannelEnded = failure;
    else m.fail(failure);
  });
  m.effort?.serve(m.server);
}
