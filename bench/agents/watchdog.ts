// Ends its process when the bench is gone. A guest that runs on the JavaScript thread may wait for a
// page that will never come, and then the process cannot notice by itself: this worker thread can.
import { Worker } from 'node:worker_threads';

const LOOK_EVERY_MS = 1000;
const look = `
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, ${LOOK_EVERY_MS});`;

export function startWatchdog(): void {
  new Worker(look, { eval: true }).unref();
}
