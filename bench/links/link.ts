// A link that is open.

export type Side = 'source' | 'destination';

export interface Link {
  /** What the command line of that side's process begins with. */
  prefix(side: Side): readonly string[];
  /** Where the destination listens. */
  readonly listenHost: string;
  /** Answers where the source finds that port. */
  target(port: number): Promise<{ readonly host: string; readonly port: number }>;
  /** On return nothing of the link is left. */
  close(): Promise<void>;
}
