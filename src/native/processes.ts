/** Other processes, whose writes or whose memory are recorded. */
import type { Releasable } from './releasable.js';

/** A process whose writes are recorded. */
export interface ProcessTrace extends Releasable {
  readonly method: 'soft-dirty' | 'digest';
  /**
   * What was written since the look before: pairs of first page and length, and how many pages there are by now. One
   * at a time. PEER_CLOSED when the process has ended.
   */
  look(): Promise<{ readonly runs: Uint32Array; readonly pages: number }>;
}

/** Why an image has no more snapshots. */
export type ImageEnd = 'complete' | 'interrupted' | 'process-ended' | 'full';

export interface ImageSnapshot {
  /** From the beginning of the first one, without the time for which the process was stopped. */
  readonly timeMs: number;
  readonly durationMs: number;
  /** Pages that it sets, and those of them that have a content in the file: the others became zero. */
  readonly entries: number;
  readonly contents: number;
}

export interface ImageMapping {
  /** A file, a [name] of the kernel's, or empty. */
  readonly name: string;
  readonly bytes: number;
  /** Those that were resident. */
  readonly pages: number;
  /** Why none of its pages is in the image; empty when they are. */
  readonly leftOut: '' | 'not-readable' | 'kernel' | 'device';
}

export interface ImageSummary {
  readonly fileBytes: number;
  readonly pages: number;
  /** Of the first snapshot: they vanished before they were copied, or the kernel let nobody read them. */
  readonly unreadablePages: number;
  readonly snapshots: readonly ImageSnapshot[];
  /** As they were at the first snapshot. */
  readonly mappings: readonly ImageMapping[];
}

/**
 * A process whose memory is written to a file, one call at a time. release() before finish() lets the process go on and
 * leaves no file. PEER_CLOSED when the process has ended.
 */
export interface ProcessImage extends Releasable {
  beginSnapshot(): Promise<void>;
  /** A part of it. With the last one it is whole. */
  step(): Promise<{
    readonly pages: number;
    readonly of: number;
    readonly storedBytes: number;
    readonly complete: boolean;
  }>;
  /** As if it had not begun; only finish() may follow. */
  dropSnapshot(): void;
  finish(end: ImageEnd): Promise<ImageSummary>;
}
