// A process of its own for tests: a destination whose guests run in Workers. Says its port, then `resumed` and
// `lost`; exits with 0 on SIGTERM, as a program would that has something to tidy up.
import { Worker } from 'node:worker_threads';
import { Destination } from 'pageferry';

class WorkerGuest {
  #worker;
  constructor(memory) {
    this.memory = memory;
    this.#worker = new Worker(new URL('counting-worker.mjs', import.meta.url), {
      workerData: {
        regions: [memory.workerWindow(0, memory.bytes)],
        writes: new Uint32Array(new SharedArrayBuffer(4 * memory.pageCount)),
      },
    });
  }
  async pause() {}
  async resume() {
    this.#worker.postMessage('resume');
    process.send('resumed');
  }
  async saveState() {
    return new Uint8Array();
  }
  async loadState() {}
  discard() {
    this.#worker.terminate();
  }
}

const destination = await Destination.listen({
  createGuest: async (memory) => new WorkerGuest(memory),
  stallMs: Number(process.argv[2]),
});
destination.on('lost', () => process.send('lost'));
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send(destination.port);
