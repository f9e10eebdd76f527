/** What a capture shows that the protocol forbids, and where. */

/** `control`, `fault`, `page 0`, `page 1` …; `migration` where no single one is meant. */
export type ChannelName = string;
export type Direction = 'to-destination' | 'to-source';

export interface Place {
  readonly channel: ChannelName;
  readonly direction: Direction;
  /** Of the first byte of what is wrong, among those that went this way on this channel. */
  readonly offset: number;
}

export interface Violation extends Place {
  /** Of docs/protocol.md. */
  readonly section: string;
  readonly expected: string;
  readonly found: string;
}

/** More are counted, and not kept: a capture of gigabytes may be wrong in every record. */
const MOST_KEPT = 1000;

export class Violations {
  readonly kept: Violation[] = [];
  count = 0;

  add(section: string, place: Place, expected: string, found: string): void {
    this.count += 1;
    if (this.kept.length >= MOST_KEPT) return;
    const { channel, direction, offset } = place;
    this.kept.push({ section, channel, direction, offset, expected, found });
  }
}
