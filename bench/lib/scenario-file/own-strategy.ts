// A strategy of one's own: a module that exports it as `strategy`.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ownStrategy } from '#engine/strategy/strategy.js';
import type { StrategyModule } from '../../agents/messages.js';
import { errorOf } from '../errors.js';

/** What the agents are told of it, and its text: a run is only resumed with the same. */
export interface LoadedStrategy {
  readonly strategy: StrategyModule;
  readonly text: string;
}

/** Throws what is wrong with it. */
export async function loadStrategy(path: string): Promise<LoadedStrategy> {
  const { href } = pathToFileURL(path);
  try {
    const text = readFileSync(path, 'utf8');
    const { strategy } = await import(href);
    if (strategy === undefined) throw new Error('it exports no strategy');
    return { strategy: { name: ownStrategy(strategy).name, module: href }, text };
  } catch (error) {
    throw new Error(`the strategy of ${path} cannot be used: ${errorOf(error).message}`);
  }
}
