import { trackerScenario } from '../scenarios/tracker.mjs';

export const suite = {
  name: 'mechanisms',
  title: 'what each mechanism costs by itself',
  scenarios: [trackerScenario],
};
