export function namespacesObstacle(link: {
  readonly rateBytesPerSecond: number | null;
}): string | null;
