/** Which view a stream gets. */
import type { StrategyName } from '../../index.js';
import type { Output } from '../output.js';
import { LiveView } from './live-view.js';
import { PlainLog } from './plain-log.js';
import type { MigrationView } from './view.js';

/** `strategies`: those to come, in their order. */
export function createView(output: Output, strategies: readonly StrategyName[]): MigrationView {
  return output.isTerminal ? new LiveView(output, strategies) : new PlainLog(output);
}
