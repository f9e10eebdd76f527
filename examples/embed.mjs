// A program that embeds both halves. Its guest runs in a Worker and counts in its memory while that moves to a
// destination, here in the same process; there it would be another process or another host.
//
//   node examples/embed.mjs
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createGuestMemory, Destination, Source } from 'pageferry';

/** A guest: memory, and something that runs on it and can be paused. */
class Counter {
  #counted = new Uint32Array(new SharedArrayBuffer(4));
  #worker;
  constructor(memory) {
    this.memory = memory;
    const window = memory.workerWindow(0, memory.bytes);
    this.#worker = new Worker(new URL('embed-worker.mjs', import.meta.url), {
      workerData: { window, counted: this.#counted },
    });
  }
  /** A guest whose Worker has started, which takes longer than a guest should be away. */
  static async create(memory) {
    const guest = new Counter(memory);
    await once(guest.#worker, 'online');
    return guest;
  }
  async pause() {
    await this.#tell('pause');
  }
  async resume() {
    await this.#tell('resume');
  }
  async #tell(what) {
    this.#worker.postMessage(what);
    await once(this.#worker, 'message');
  }
  async saveState() {
    return Buffer.from(String(this.#counted[0]));
  }
  async loadState(state) {
    this.#counted[0] = Number(Buffer.from(state).toString());
  }
  discard() {
    this.#worker.terminate();
    this.memory.release();
  }
  isIntact() {
    const words = new Uint32Array(this.memory.window(0, this.memory.bytes));
    return words.reduce((sum, word) => sum + word, 0) === this.#counted[0];
  }
}

const destination = await Destination.listen({
  createGuest: (memory) => Counter.create(memory),
});
const arrival = once(destination, 'arrived');

const guest = await Counter.create(createGuestMemory([64 << 20]));
await guest.resume();
const options = { host: '127.0.0.1', port: destination.port, strategy: 'hybrid' };
const report = await new Source(guest, options).migrate();
guest.discard();

const [arrived] = await arrival;
await arrived.pause();
console.log(
  `${report.outcome}: downtime ${report.downtimeMs.toFixed(2)} ms, ${report.pagesSent} pages`,
);
console.log(arrived.isIntact() ? 'the guest is intact' : 'the guest differs');
arrived.discard();
await destination.close();
