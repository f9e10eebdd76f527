// Trackers, install paths, demand faults and codecs, each without a migration around it.
import type { Suite } from '../lib/scenario.js';
import { codecScenarios } from '../scenarios/codec.js';
import { faultRoundTripScenario } from '../scenarios/fault-round-trip.js';
import { installScenario } from '../scenarios/install.js';
import { sendMethodsScenario } from '../scenarios/send-methods.js';
import { trackersSlowdownScenario } from '../scenarios/slowdown.js';
import { trackerScenario } from '../scenarios/tracker.js';
import { trackersScenarios } from '../scenarios/trackers.js';

export const suite: Suite = {
  name: 'mechanisms',
  title: 'what each mechanism costs by itself',
  overLinks: false,
  scenarios: [
    trackerScenario,
    ...trackersScenarios,
    trackersSlowdownScenario,
    installScenario,
    faultRoundTripScenario,
    ...codecScenarios,
    sendMethodsScenario,
  ],
};
