// What is to lie between a source and a destination, as the options and the result file say it.
import * as v from 'valibot';

export const linkSchema = v.variant('kind', [
  v.object({ kind: v.literal('loopback') }),
  v.object({ kind: v.literal('relay'), rttMs: v.number() }),
  v.object({ kind: v.literal('netns'), rateBytesPerSecond: v.nullable(v.number()) }),
]);

export type WantedLink = v.InferOutput<typeof linkSchema>;
export type RelayLink = Extract<WantedLink, { kind: 'relay' }>;
export type NetnsLink = Extract<WantedLink, { kind: 'netns' }>;

export const LOOPBACK: WantedLink = { kind: 'loopback' };

/** Bytes per second that the link is shaped to; null where nothing limits it. */
export function linkRateOf(link: WantedLink): number | null {
  return link.kind === 'netns' ? link.rateBytesPerSecond : null;
}
