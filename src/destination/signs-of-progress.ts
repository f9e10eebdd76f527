/** Whether a source that is alive gets on with its migration, and what is wrong with one that does not. */
import type { DestinationState } from './state.js';

/** What is wrong with it, by what was due. */
export const SILENCE: Readonly<Record<DestinationState['kind'], string>> = {
  opening: 'has not said what it brings',
  copying: 'sends neither pages nor word of them',
  ready: 'has not said whether the guest may run here',
  resuming: 'says nothing',
  running: 'sends no more of the pages that are missing',
  complete: 'has not said goodbye',
  ended: 'says nothing',
};

/** Within one state: grows with whatever the source does for the migration. `messages`: those of them that have come. */
export function signsOfProgress(state: DestinationState, messages: number): number {
  if (state.kind === 'opening' || state.kind === 'ended') return messages;
  const { receiver, arriving, memory } = state.hold;
  const channels = state.kind === 'copying' ? -state.awaited.size : 0;
  const { wireBytes } = receiver.progress();
  return messages + channels + wireBytes + memory.pageCount - arriving.pagesMissing;
}
