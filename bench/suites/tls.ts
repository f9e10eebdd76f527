// What encryption and authentication cost.
import type { Suite } from '../lib/scenario.js';
import { tlsBulkScenario, tlsDemandFaultScenario } from '../scenarios/tls.js';

export const suite: Suite = {
  name: 'tls',
  title: 'what TLS costs, in bulk and for one page',
  overLinks: false,
  scenarios: [tlsBulkScenario, tlsDemandFaultScenario],
};
