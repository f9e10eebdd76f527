// Every suite.

import type { Suite } from '../lib/scenario.js';
import { suite as crowd } from './crowd.js';
import { suite as mechanisms } from './mechanisms.js';
import { suite as peers } from './peers.js';
import { suite as quick } from './quick.js';
import { suite as scale } from './scale.js';
import { suites as servers } from './servers.js';
import { suite as strategies } from './strategies.js';
import { suite as tls } from './tls.js';

export const suites: readonly Suite[] = [
  quick,
  mechanisms,
  strategies,
  peers,
  scale,
  tls,
  crowd,
  ...servers,
];
