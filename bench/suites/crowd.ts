// What strangers at a destination's port cost those who are expected there.
import type { Suite } from '../lib/scenario.js';
import { crowdScenarios } from '../scenarios/crowd.js';

export const suite: Suite = {
  name: 'crowd',
  title:
    'what ten thousand strangers at the port cost a migration under way, the memory and who comes next',
  overLinks: false,
  scenarios: crowdScenarios,
};
