export interface Stall {
  readonly core: number;
  readonly atMs: number;
  readonly ms: number;
}

export function watchStalls<T>(
  use: () => Promise<T>,
): Promise<{ readonly answer: T; readonly stalls: readonly Stall[] | null }>;
