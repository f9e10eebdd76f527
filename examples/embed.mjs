// A program that embeds both halves. Its guest counts in its memory while that moves to a destination, here
// in the same process; there it would be another process or another host.
//
//   node examples/embed.mjs
import { once } from 'node:events';
import { createGuestMemory, Destination, Source } from 'pageferry';

/** A guest: memory, and something that runs on it and can be paused. */
class Counter {
  #counted = 0;
  #timer;
  constructor(memory) {
    this.memory = memory;
    this.words = new Uint32Array(memory.window(0, memory.bytes));
  }
  async pause() {
    clearInterval(this.#timer);
  }
  async resume() {
    this.#timer = setInterval(() => this.#count(), 1);
  }
  async saveState() {
    return Buffer.from(String(this.#counted));
  }
  async loadState(state) {
    this.#counted = Number(Buffer.from(state).toString());
  }
  #count() {
    this.words[(this.#counted * 1024) % this.words.length] += 1; // One page after the other.
    this.#counted += 1;
  }
  isIntact() {
    return this.words.reduce((sum, word) => sum + word, 0) === this.#counted;
  }
}

const destination = await Destination.listen({
  createGuest: async (memory) => new Counter(memory),
});
const arrival = once(destination, 'arrived');

const guest = new Counter(createGuestMemory([64 << 20]));
await guest.resume();
const options = { host: '127.0.0.1', port: destination.port, strategy: 'hybrid' };
const report = await new Source(guest, options).migrate();

const [arrived] = await arrival;
await arrived.pause();
console.log(
  `${report.outcome}: downtime ${report.downtimeMs.toFixed(2)} ms, ${report.pagesSent} pages`,
);
console.log(arrived.isIntact() ? 'the guest is intact' : 'the guest differs');
await destination.close();
