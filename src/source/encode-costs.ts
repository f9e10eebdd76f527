/** What the rungs of the ladder cost on this machine: measured when it is asked for first, and kept in a file. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { cacheFolder } from '../host/cache-folder.js';
import { binding } from '../native/binding.js';
import { LADDER, type Ladder, ladderWith, MEASURED_RUNGS } from '../policy/effort/ladder.js';
import { rungName } from '../policy/effort/plan.js';

/** Pages of this very program: code and tables. Rungs compare on them as they do on a guest's. */
const SAMPLE_BYTES = 1 << 20;
const SAMPLE_AT = 32 << 20;

const KEPT = v.object({
  machine: v.string(),
  nanosecondsAPage: v.record(v.string(), v.pipe(v.number(), v.minValue(1), v.maxValue(1e9))),
});

/** Never fails: where nothing can be measured the ladder is the one that we know. */
export async function measuredLadder(): Promise<Ladder> {
  try {
    const folder = cacheFolder();
    return ladderWith((await readCosts(folder)) ?? (await measureCosts(folder)));
  } catch {
    return LADDER;
  }
}

/** Costs of another processor say nothing. */
function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown'}, ${process.arch}, ${availableParallelism()} cores`;
}

function fileIn(folder: string): string {
  return join(folder, 'encode-costs.json');
}

async function readCosts(folder: string): Promise<number[] | undefined> {
  const text = await readFile(fileIn(folder), 'utf8').catch(() => 'null');
  const kept = v.safeParse(KEPT, JSON.parse(text));
  if (!kept.success || kept.output.machine !== machine()) return undefined;
  const costs = MEASURED_RUNGS.map((rung) => kept.output.nanosecondsAPage[rungName(rung)]);
  return costs.every((cost) => cost !== undefined) ? costs : undefined;
}

/** Where they cannot be kept they are measured again the next time. */
async function measureCosts(folder: string): Promise<number[]> {
  const costs = await binding.measureRungs(MEASURED_RUNGS, await sample());
  const named = MEASURED_RUNGS.map((rung, at) => [rungName(rung), Math.round(costs[at] ?? 0)]);
  const kept = { machine: machine(), nanosecondsAPage: Object.fromEntries(named) };
  const write = async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(fileIn(folder), `${JSON.stringify(kept, null, 2)}\n`);
  };
  await write().catch(() => {});
  return costs;
}

async function sample(): Promise<Uint8Array> {
  const file = await open(process.execPath);
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(SAMPLE_BYTES),
      0,
      SAMPLE_BYTES,
      SAMPLE_AT,
    );
    if (bytesRead < SAMPLE_BYTES) throw new Error('this program is shorter than its sample');
    return buffer;
  } finally {
    await file.close();
  }
}
