/** What `pageferry inspect --page` says of one page of an image: its class, what encodings make of it, and how it would be sent. */
import type { InspectedImage, InspectedPage } from '../image/inspect-image.js';
import type { BlockOfPage } from '../native/inspection.js';
import { type Explanation, encodingBy, explainPage } from '../policy/effort/explain.js';
import { MEASURED_RUNGS } from '../policy/effort/ladder.js';
import { type Rung, rungName } from '../policy/effort/plan.js';
import { encodersHere } from '../source/effort.js';
import { measuredLadder } from '../source/encode-costs.js';
import { formatWhole } from '../units.js';
import { CONTENTS, nameOf } from './inspect-image.js';
import type { Output } from './output.js';

/** What --json prints. */
export interface PageSummary extends InspectedPage {
  readonly version: 1;
  readonly kind: 'page';
  readonly file: string;
  /** Threads that encode here. */
  readonly encoders: number;
  /** What a page costs and comes to by each rung, as `auto` begins with it on this machine. */
  readonly ladder: readonly {
    readonly rung: string;
    readonly encodeNs: number;
    readonly bytes: number;
  }[];
  readonly decisions: readonly Explanation[];
}

const MECOM: Rung = { method: 'mecom' };

/** Throws USAGE for a page that the image does not have. */
export async function pageSummary(
  file: string,
  image: InspectedImage,
  page: number,
): Promise<PageSummary> {
  const inspected = await image.page(page);
  const [blocks, ladder] = [await blocksOf(image, inspected), await measuredLadder()];
  const encoders = encodersHere();
  return {
    ...{ version: 1, kind: 'page', file, ...inspected, encoders },
    ladder: ladder.map(({ rung, ns, bytes }) => ({ rung: rungName(rung), encodeNs: ns, bytes })),
    decisions: explainPage({ content: inspected.content, blocks }, { encoders, ladder }),
  };
}

/** By each rung that encodes. */
async function blocksOf(
  image: InspectedImage,
  { page, content }: InspectedPage,
): Promise<ReadonlyMap<string, BlockOfPage>> {
  const blocks = new Map<string, BlockOfPage>();
  for (const rung of MEASURED_RUNGS) {
    if (rung.method === 'blocks') blocks.set(rungName(rung), await image.blockOf(page, rung));
  }
  const encoding = encodingBy(MECOM, content);
  blocks.set(rungName(MECOM), await image.blockOf(page, { encoding, level: 1, blockPages: 1 }));
  return blocks;
}

export function printPage(output: Output, summary: PageSummary): void {
  const { page, content, encodings, encoders, decisions } = summary;
  output.line(`Page ${formatWhole(page)}, at the first snapshot: ${CONTENTS[content]}`);
  output.line();
  for (const { bytes, ...tried } of encodings) {
    const text = bytes === null ? 'no fewer bytes' : `${formatWhole(bytes)} bytes`;
    output.line(`${nameOf(tried).padEnd(14)}${text.padStart(16)}`);
  }
  const threads = encoders === 1 ? '1 encoder' : `${encoders} encoders`;
  output.line();
  output.line(`What it would be sent as the first time, with ${threads} and this machine's costs.`);
  output.line('The bytes are its share of the block that it would be encoded in.');
  for (const decision of decisions) printDecision(output, decision);
}

function printDecision(output: Output, decision: Explanation): void {
  const { compression, link, sentAs, bytes, reason } = decision;
  const name = link === null ? compression : `${compression}, ${link}`;
  output.line();
  output.line(
    `${output.colors.bold(name.padEnd(20))}${sentAs.padEnd(10)}${`${formatWhole(bytes)} bytes`.padStart(11)}${otherRungs(decision)}`,
  );
  output.line(`  ${reason}`);
}

/** The rungs that it may be by, where there is more than one. */
function otherRungs({ rung, upperRung, pausedRung, compression }: Explanation): string {
  if (compression !== 'auto' || (rung === upperRung && rung === pausedRung)) return '';
  const full = rung === upperRung ? '' : `, ${upperRung} while the queue is full`;
  const paused = rung === pausedRung ? '' : `, ${pausedRung} once the guest is paused`;
  return `   by ${rung}${full}${paused}`;
}
