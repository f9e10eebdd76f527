// Size, and many at once. A machine of 24 GiB cannot hold a guest of 16 GiB twice: beyond 8 GiB the pages
// are zero, which the destination does not have to hold.
import type { Suite } from '../lib/scenario.js';
import { engineMemoryScenario } from '../scenarios/engine-memory.js';
import { manyScenarios } from '../scenarios/many.js';
import { populatedScenarios, sparseScenario } from '../scenarios/size.js';

export const suite: Suite = {
  name: 'scale',
  title: '1 to 16 GiB populated, 1 TiB sparse, and 1 to 32 migrations at once',
  scenarios: [...populatedScenarios, sparseScenario, engineMemoryScenario, ...manyScenarios],
};
