// QEMU beside Pageferry: the same guests, one after the other in the same run.
import { peerIdleScenario } from '../scenarios/peer-idle.mjs';
import { peerHybridScenario, peerPostCopyScenario } from '../scenarios/peer-sweep.mjs';
import { peerTouchedZeroScenario, peerUntouchedScenario } from '../scenarios/peer-untouched.mjs';

export const suite = {
  name: 'peers',
  title: 'beside QEMU, on the same memory',
  scenarios: [
    peerIdleScenario,
    peerUntouchedScenario,
    peerTouchedZeroScenario,
    peerPostCopyScenario,
    peerHybridScenario,
  ],
};
