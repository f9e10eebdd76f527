// QEMU beside Pageferry: the same guests, one after the other in the same run.
import type { Suite } from '../lib/scenario.js';
import { peerIdleColdScenario, peerIdleScenario } from '../scenarios/peer-idle.js';
import {
  peerHybridScenario,
  peerPostCopyColdScenario,
  peerPostCopyScenario,
} from '../scenarios/peer-sweep.js';
import { peerTouchedZeroScenario, peerUntouchedScenario } from '../scenarios/peer-untouched.js';
import { uniformPostCopyScenario } from '../scenarios/uniform.js';

export const suite: Suite = {
  name: 'peers',
  title: 'beside QEMU, on the same memory',
  scenarios: [
    peerIdleScenario,
    peerIdleColdScenario,
    peerUntouchedScenario,
    peerTouchedZeroScenario,
    peerPostCopyScenario,
    peerPostCopyColdScenario,
    peerHybridScenario,
    uniformPostCopyScenario,
  ],
};
