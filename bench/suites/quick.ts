// The table of the README, in about three minutes.
import type { Suite } from '../lib/scenario.js';
import { demandFaultScenario } from '../scenarios/demand-fault.js';
import { roundZeroScenario } from '../scenarios/round-zero.js';
import { slowdownScenario } from '../scenarios/slowdown.js';
import {
  sweptHybridScenario,
  sweptPostCopyColdScenario,
  sweptPostCopyScenario,
} from '../scenarios/sweep.js';
import { switchoverScenario } from '../scenarios/switchover.js';
import { uniformPostCopyScenario } from '../scenarios/uniform.js';
import { touchedZeroScenario, untouchedScenario } from '../scenarios/untouched.js';

export const suite: Suite = {
  name: 'quick',
  title: 'the table of the README, in about three minutes',
  scenarios: [
    roundZeroScenario,
    untouchedScenario,
    touchedZeroScenario,
    switchoverScenario,
    demandFaultScenario,
    sweptPostCopyScenario,
    sweptPostCopyColdScenario,
    sweptHybridScenario,
    uniformPostCopyScenario,
    slowdownScenario,
  ],
};
