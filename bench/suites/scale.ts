// Size, and many at once. A machine of 24 GiB cannot hold a guest of 16 GiB twice: beyond 8 GiB the pages
// are zero, which the destination does not have to hold.
import { engineMemoryScenario } from '../scenarios/engine-memory.mjs';
import { manyScenarios } from '../scenarios/many.mjs';
import { populatedScenarios, sparseScenario } from '../scenarios/size.mjs';

export const suite = {
  name: 'scale',
  title: '1 to 16 GiB populated, 1 TiB sparse, and 1 to 32 migrations at once',
  scenarios: [...populatedScenarios, sparseScenario, engineMemoryScenario, ...manyScenarios],
};
