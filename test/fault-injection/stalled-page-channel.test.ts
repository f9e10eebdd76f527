/** Post-copy over a page channel that the network holds up: what it brings late is nobody's loss. */
import { expect, it } from 'vitest';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { binding } from '../../src/native/binding.js';
import { Receiving } from '../support/destinations.js';
import { openMessage, pagesRecord, RawClient, syncRecord } from '../support/raw-client.js';
import { until } from '../support/until.js';

const PAGE_BYTES = 4096;
const PAGES = 256;
/** Pages of the record that stalls. */
const STALLED = 16;
const { contents, recordTypes } = binding.protocolConstants();
const NONE = new Uint8Array();

/** Answers each request with a page of zeros; `asked` grows as requests come. */
function answerWithZeros(fault: RawClient): readonly number[] {
  const asked: number[] = [];
  let left = Buffer.alloc(0);
  fault.socket.on('data', (chunk: Buffer) => {
    left = Buffer.concat([left, chunk]);
    for (; left.byteLength >= 16; left = left.subarray(16)) {
      expect(left.readUInt16LE(0)).toBe(recordTypes.request);
      const page = Number(left.readBigUInt64LE(8));
      asked.push(page);
      fault.socket.write(
        pagesRecord([{ page, pages: 1, content: contents.zero.id, payload: NONE }]),
      );
    }
  });
  return asked;
}

it('a page channel that stalls in the middle of a record hides none of its pages from the guest', async () => {
  const receiving = await Receiving.start();
  // Writes page after page, from the first one on; each time all of it was zero before.
  const here = await WorkloadGuest.create({
    workload: 'sequential',
    memoryBytes: PAGES * PAGE_BYTES,
    fill: { kind: 'zero' },
    writesPerSecond: 2000,
  });
  const source = await RawClient.control(receiving.port);
  const alive = setInterval(() => source.send({ type: 'alive' }), 500);
  try {
    source.send({ ...openMessage(PAGES), description: here.describe() });
    await source.message('opened');
    const { client: page } = await source.channel('page', 0);
    const { client: fault } = await source.channel('fault', 0);
    const asked = answerWithZeros(fault);
    const all = { page: 0, pages: PAGES, payload: NONE };
    page.socket.write(pagesRecord([{ ...all, content: contents.missing.id }]));
    page.socket.write(syncRecord(1));
    source.send({
      type: 'switchover',
      sync: 1,
      postCopy: true,
      running: true,
      state: await here.saveState(),
      pausedAtNs: process.hrtime.bigint(),
    });
    await source.message('ready');
    const stalled = pagesRecord([
      {
        page: 0,
        pages: STALLED,
        content: contents.raw.id,
        payload: new Uint8Array(STALLED * PAGE_BYTES),
      },
    ]);
    const arrivesInTime = 16 + 16 + 100;
    page.socket.write(stalled.subarray(0, arrivesInTime));
    source.send({ type: 'resume' });
    await source.message('running');
    await until(
      'the guest gets the pages of the stalled record by asking for them',
      () => asked.filter((each) => each < STALLED).length >= 4,
    );
    // The network recovers. By now the guest has written to pages that come once more, as zeros.
    page.socket.write(stalled.subarray(arrivesInTime));
    page.socket.write(pagesRecord([{ ...all, content: contents.zero.id }]));
    page.socket.write(syncRecord(2));
    source.send({ type: 'pushed', sync: 2 });
    const complete = await source.message('complete');
    expect(Number(complete['duplicatePages'])).toBeGreaterThanOrEqual(STALLED + 4);
    expect(Number(complete['demandFaultsOverNetwork'])).toBeGreaterThanOrEqual(4);
    source.send({ type: 'verify', observeMs: 0, pages: PAGES });
    const { verification } = await source.message('verified');
    expect(verification).toMatchObject({ pagesCompared: PAGES, pagesDifferent: 0 });
    source.send({ type: 'bye' });
  } finally {
    clearInterval(alive);
    here.discard();
  }
});
