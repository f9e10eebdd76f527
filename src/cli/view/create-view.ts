/** Which view a stream gets. */
import type { StrategyName } from '../../index.js';
import type { Output } from '../output.js';
import { PlainLog } from './plain-log.js';
import type { MigrationView } from './view.js';

/** `strategies`: those to come, in their order. log-update takes a while to load, and only a terminal needs it. */
export async function createView(
  output: Output,
  strategies: readonly StrategyName[],
): Promise<MigrationView> {
  if (!output.isTerminal) return new PlainLog(output);
  const { LiveView } = await import('./live-view.js');
  return new LiveView(output, strategies);
}
