// What travelled: pages by their encoding, how they came to be sent, and bytes.
import type { Result } from '../../result/schema.js';
import { axis, draw, INK, PAPER, Plot } from '../draw.js';
import { number } from '../format.js';
import type { Panel, Section } from '../section.js';
import { type Completed, completed, groupBy, typical } from '../select.js';

const ROW_HEIGHT = 38;
const MIB = 2 ** 20;

const KINDS = {
  raw: { label: 'raw', color: 'var(--c1)' },
  zero: { label: 'zero', color: 'var(--c6)' },
  encoded: { label: 'encoded (lz4)', color: 'var(--c3)' },
  pushed: { label: 'sent in rounds or pushed', color: 'var(--c4)' },
  demand: { label: 'asked for by a fault', color: 'var(--c5)' },
  bytes: { label: 'bytes on the wire', color: 'var(--c2)' },
};
const KIND_NAMES = Object.keys(KINDS) as Kind[];

type Kind = keyof typeof KINDS;
/** How much of each kind. */
type Parts = Partial<Record<Kind, number>>;

function byContent({ report }: Completed): Parts {
  const { raw = 0, zero = 0, ...encoded } = report.pagesByContent ?? {};
  return { raw, zero, encoded: Object.values(encoded).reduce((sum, pages) => sum + pages, 0) };
}

function byCause({ report: { pagesSent = 0, demandFaultsOverNetwork = 0 } }: Completed): Parts {
  const demand = Math.min(demandFaultsOverNetwork, pagesSent);
  return { pushed: pagesSent - demand, demand };
}

/** Stacked bars, one for each migration. */
function bars(
  title: string,
  unit: string,
  migrations: readonly Completed[],
  partsOf: (migration: Completed) => Parts,
): Panel | null {
  const parts = migrations.flatMap((migration) => {
    const amounts = partsOf(migration);
    return KIND_NAMES.map((kind) => ({
      label: migration.label,
      kind,
      amount: amounts[kind] ?? 0,
    })).filter(({ amount }) => amount > 0);
  });
  if (parts.length === 0) return null;
  const labels = migrations.map(({ label }) => label);
  const totals = groupBy(parts, ({ label }) => label);
  const sum = (label: string) =>
    (totals.get(label) ?? []).reduce((all, { amount }) => all + amount, 0);
  const plot = draw({
    describe: `${title}, in ${unit}. ${parts.map(({ label, kind, amount }) => `${label}: ${KINDS[kind].label} ${number(amount)}`).join('; ')}`,
    height: labels.length * ROW_HEIGHT + 44,
    marginLeft: 12,
    marginTop: 4,
    x: axis(unit, { grid: true, domain: [0, Math.max(...labels.map(sum)) * 1.02] }),
    y: { type: 'band', domain: labels, axis: null, padding: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(parts, {
        x: 'amount',
        y: 'label',
        fill: ({ kind }: { readonly kind: Kind }) => KINDS[kind].color,
        insetTop: 19,
        insetBottom: 5,
      }),
      Plot.text(labels, {
        y: (label: string) => label,
        text: (label: string) => label,
        frameAnchor: 'left',
        dx: 2,
        dy: -9,
        fill: INK,
        stroke: PAPER,
        strokeWidth: 4,
      }),
      Plot.ruleX([0], { stroke: INK, strokeOpacity: 0.5 }),
    ],
  });
  const kinds = KIND_NAMES.filter((kind) => parts.some((part) => part.kind === kind));
  return {
    title,
    legend: kinds.map((kind) => ({ ...KINDS[kind], isArea: true })),
    plots: [plot],
  };
}

function inThousands(parts: Parts): Parts {
  return Object.fromEntries(Object.entries(parts).map(([kind, pages]) => [kind, pages / 1000]));
}

function panels([scenario, migrations]: readonly [string, readonly Completed[]]): Panel[] {
  const hasDemand = migrations.some(({ report }) => (report.demandFaultsOverNetwork ?? 0) > 0);
  return [
    bars(`${scenario}: pages by encoding`, '1,000 pages', migrations, (migration) =>
      inThousands(byContent(migration)),
    ),
    hasDemand
      ? bars(`${scenario}: pages by cause`, '1,000 pages', migrations, (migration) =>
          inThousands(byCause(migration)),
        )
      : null,
    bars(`${scenario}: bytes`, 'MiB', migrations, ({ report: { wireBytes = 0 } }) => ({
      bytes: wireBytes / MIB,
    })),
  ].filter((panel) => panel !== null);
}

export function pages({ migrations }: Result): Section | null {
  const counted = completed(migrations).filter(({ report: { pagesSent = 0 } }) => pagesSent > 0);
  const found = [...groupBy(typical(counted), ({ scenario }) => scenario)].flatMap(panels);
  if (found.length === 0) return null;
  return {
    title: 'Pages and bytes',
    panels: found,
    caption:
      'Of each case the repetition with the median total time. A page that is sent twice counts twice. Zero pages travel as ranges. A page that a fault asked for while it was already on its way in the push counts as asked for. Bytes are those that the source’s page and fault sockets took, headers included; the control channel is not in it.',
  };
}
