// Trackers, install paths, demand faults and codecs, each without a migration around it.
import { codecScenarios } from '../scenarios/codec.mjs';
import { faultRoundTripScenario } from '../scenarios/fault-round-trip.mjs';
import { installScenario } from '../scenarios/install.mjs';
import { sendMethodsScenario } from '../scenarios/send-methods.mjs';
import { trackersSlowdownScenario } from '../scenarios/slowdown.mjs';
import { trackerScenario } from '../scenarios/tracker.mjs';
import { trackersScenarios } from '../scenarios/trackers.mjs';

export const suite = {
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
