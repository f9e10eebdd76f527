/** What the destination accepts is what the source uses. */
import { describe, expect, it } from 'vitest';
import type { DestinationMessage, Offers } from '../../src/protocol/messages.js';
import { failureOf, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { ScriptedDestination } from '../support/scripted-destination.js';

const RAW: Offers = { contents: ['raw', 'zero'], spaceKinds: ['ram'] };
const FAILED = { type: 'failed', code: 'GUEST_FAILED', message: 'enough', neverRan: true } as const;

function opened(accepts: Offers): DestinationMessage {
  return {
    type: 'opened',
    bootId: 'there',
    accepts,
    faultPath: true,
    faultPathReason: '',
    maxStateBytes: 65_536,
    guestCallMs: 100,
  };
}

/** The report of a migration that comes as far as its switchover. */
async function reportOf(accepts: Offers) {
  const destination = await ScriptedDestination.start({
    open: [opened(accepts)],
    switchover: [FAILED],
  });
  const guest = await startGuest({ memoryBytes: MIB, fill: { kind: 'text' } });
  const source = sourceFor(guest, destination.port, {
    compression: 'lz4',
    strategy: 'stop-and-copy',
  });
  const error = await failureOf(source.migrate());
  await expectUnharmed(guest);
  return { error, heard: destination.heard };
}

describe('a source that would encode its pages', () => {
  it('does so where the destination accepts it', async () => {
    const { error, heard } = await reportOf({
      ...RAW,
      contents: ['raw', 'zero', 'fill', 'lz4', 'lz4-delta'],
    });
    expect(error.code).toBe('GUEST_FAILED');
    expect(error.report.compression).toBe('lz4');
    expect(error.report.pagesByContent['lz4']).toBeGreaterThan(0);
    expect(error.report.wireBytes).toBeLessThan(error.report.pagesSent * 4096);
    expect(heard).toContainEqual(
      expect.objectContaining({
        type: 'open',
        offers: { ...RAW, contents: ['raw', 'zero', 'fill', 'lz4', 'lz4-delta'] },
      }),
    );
  });

  it('sends them as they are where the destination does not, and reports that', async () => {
    const { error } = await reportOf(RAW);
    expect(error.code).toBe('GUEST_FAILED');
    expect(error.report.compression).toBe('raw');
    expect(error.report.pagesByContent).not.toHaveProperty('lz4');
    expect(error.report.pagesByContent['raw']).toBeGreaterThan(0);
    expect(error.report.wireBytes).toBeGreaterThan(error.report.pagesSent * 4096);
  });
});

describe('a destination that accepts', () => {
  it.each<[string, Offers]>([
    ['what was not offered', { ...RAW, contents: ['raw', 'zero', 'delta'] }],
    ['no zero pages', { ...RAW, contents: ['raw'] }],
  ])('%s is in breach of protocol', async (_what, accepts) => {
    const { error } = await reportOf(accepts);
    expect(error).toMatchObject({ code: 'PROTOCOL', report: { guestLocation: 'source' } });
  });
});
