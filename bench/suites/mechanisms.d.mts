export interface Figure {
  readonly measured?: number;
  readonly baseline?: number;
  readonly skipped?: string;
}

export interface Scenario {
  readonly name: string;
  readonly rows: readonly { readonly key: string; readonly baseline?: string }[];
  sample(context: { readonly signal: AbortSignal }): Promise<{
    readonly rows: Readonly<Record<string, Figure>>;
    readonly distributions?: readonly {
      readonly series: readonly { readonly buckets: readonly (readonly [number, number])[] }[];
    }[];
  }>;
}

export const suite: { readonly name: string; readonly scenarios: readonly Scenario[] };
