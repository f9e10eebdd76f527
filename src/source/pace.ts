/** Keeps the active push just below the link's rate, so that pages which guest threads wait for do not queue. */
import { FIRST_PACING, type LinkSample, nextPacing } from '../policy/pacing.js';
import type { SourceMigration } from './migration.js';

const SAMPLE_EVERY_MS = 5;

/** What `work` comes to. Between two processes of one host there is no link, and the user's limit alone counts. */
export async function paced<T>(m: SourceMigration, work: Promise<T>): Promise<T> {
  const limit = m.options.bandwidthBytesPerSecond;
  let pacing = FIRST_PACING;
  let before: LinkSample | undefined;
  const look = () => {
    const now = sampleLink(m);
    if (now === undefined) return;
    if (before !== undefined) pacing = nextPacing(pacing, before, now);
    before = now;
    m.bucket.setRate(Math.floor(limit === 0 ? pacing.rate : Math.min(limit, pacing.rate)));
  };
  look();
  const looking = setInterval(look, SAMPLE_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(looking);
    m.bucket.setRate(limit);
  }
}

function sampleLink({ sender, server }: SourceMigration): LinkSample | undefined {
  const link = sender?.link() ?? null;
  if (link === null) return undefined;
  const served = server?.stats().wireBytes ?? 0;
  return { ...link, atMs: performance.now(), deliveredBytes: link.deliveredBytes + served };
}
