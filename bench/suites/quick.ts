// The table of the README, in about two minutes.
import { demandFaultScenario } from '../scenarios/demand-fault.mjs';
import { roundZeroScenario } from '../scenarios/round-zero.mjs';
import { slowdownScenario } from '../scenarios/slowdown.mjs';
import { sweptHybridScenario, sweptPostCopyScenario } from '../scenarios/sweep.mjs';
import { switchoverScenario } from '../scenarios/switchover.mjs';
import { touchedZeroScenario, untouchedScenario } from '../scenarios/untouched.mjs';

export const suite = {
  name: 'quick',
  title: 'the table of the README, in about two minutes',
  scenarios: [
    roundZeroScenario,
    untouchedScenario,
    touchedZeroScenario,
    switchoverScenario,
    demandFaultScenario,
    sweptPostCopyScenario,
    sweptHybridScenario,
    slowdownScenario,
  ],
};
