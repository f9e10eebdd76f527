export type WantedLink =
  | { readonly kind: 'loopback' }
  | { readonly kind: 'relay'; readonly rttMs: number }
  | { readonly kind: 'netns'; readonly rateBytesPerSecond: number | null };

export interface Link {
  prefix(side: 'source' | 'destination'): readonly string[];
  readonly listenHost: string;
  target(port: number): Promise<{ host: string; port: number }>;
  close(): Promise<void>;
}

export function openLink(wanted: WantedLink): Promise<Link>;
export function describeLink(link: WantedLink): string;
