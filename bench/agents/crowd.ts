// The bench's strangers, in a process of their own, so that what they take is not counted as a destination's. See
// lib/company.ts.
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Crowd } from '../lib/crowd.js';
import { serve, tell } from './agent.js';
import type { CrowdTask } from './messages.js';

/** By then as many are there as a destination keeps, and the first were turned away. */
const GATHER_MS = 500;
const LOWEST_PRIORITY = 19;

serve(async (task: CrowdTask) => {
  // Strangers on other hosts have processors of their own: these take what the migration leaves.
  setPriority(LOWEST_PRIORITY);
  const told = once(process, 'message');
  const crowd = new Crowd(task);
  await sleep(GATHER_MS);
  tell({ type: 'gathered' });
  await told;
  await crowd.leave();
  tell({ type: 'left', came: crowd.came });
});
