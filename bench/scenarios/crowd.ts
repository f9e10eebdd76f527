// Ten thousand strangers come to the port while one guest arrives and another sets out.
import { type CompanyRun, migrateInCompany } from '../lib/company.js';
import { inTurn } from '../lib/in-turn.js';
import type { WantedMigration } from '../lib/pair.js';
import type { SampleContext, Scenario } from '../lib/scenario.js';

const MIB = 2 ** 20;
const MEMORY_BYTES = 2048 * MIB;
/** 4 Gbit/s, so that the migration takes the four seconds in which the strangers come. */
const RATE = 500e6;
const STRANGERS = 10_000;
const PER_SECOND = 3000;
const TRICKLERS = 64;

const FIRST: WantedMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy', bandwidthBytesPerSecond: RATE },
};

const NEWCOMER: WantedMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: 16 * MIB, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy' },
};

interface Variant {
  readonly name: string;
  readonly from: string;
  readonly addresses: readonly string[];
}

const VARIANTS: readonly Variant[] = [
  {
    name: 'crowd-one-address',
    from: 'the address that the sources have too',
    addresses: ['127.0.0.1'],
  },
  {
    name: 'crowd-many-addresses',
    from: '64 addresses',
    addresses: Array.from({ length: 64 }, (_, at) => `127.0.1.${at + 1}`),
  },
];

function rateOf({ first }: CompanyRun): number {
  const [round] = first.report.rounds;
  if (round === undefined) throw new Error('there was no round');
  return MEMORY_BYTES / round.ms / 1e6;
}

function engineMibOf({ destination }: CompanyRun): number {
  if (destination.peakEngineBytes === null) throw new Error('the memory was not watched');
  return destination.peakEngineBytes / MIB;
}

function crowdScenario({ name, from, addresses }: Variant): Scenario {
  const meet = async (context: SampleContext, isCrowded: boolean): Promise<CompanyRun> => {
    const crowd = { addresses, perSecond: PER_SECOND, tricklers: TRICKLERS };
    const company = { newcomer: NEWCOMER, crowd: isCrowded ? crowd : undefined };
    return await migrateInCompany(FIRST, company, context);
  };
  return {
    name,
    neededBytes: 2 * MEMORY_BYTES + 1024 * MIB,
    mostRepetitions: 5,
    warmUp: false,
    sampleSeconds: 20,
    how: `Pre-copy of an idle guest of 2 GiB, held to 4 Gbit/s, and of a second one of 16 MiB that sets out while the first is in round 0, both alone and in a crowd of strangers from ${from}, in turn. The crowd is a process of its own, of the lowest priority, because strangers elsewhere have processors of their own. ${PER_SECOND} strangers come each second, at least ${STRANGERS} in all: a quarter says nothing, a quarter speaks HTTP, a quarter says eight bytes of a preamble and no more, a quarter is gone again at once. ${TRICKLERS} others say a byte each second. Whoever is turned away is followed by the next. The memory is the destination’s resident memory without that of its guests, at its highest, read every 10 ms. The newcomer’s time is that from its first connection until all its pages are there.`,
    rows: [
      {
        key: `${name}-rate`,
        title: `Round 0 of 2 GiB at 4 Gbit/s while strangers come from ${from}`,
        unit: 'GB/s',
        better: 'higher',
        baseline: 'the same without strangers',
        target: { figure: 'ratio', atLeast: 0.8 },
      },
      {
        key: `${name}-memory`,
        title: `What strangers from ${from} add to the destination’s peak memory`,
        unit: 'MiB',
        better: 'lower',
        target: { figure: 'measured', atMost: 50 },
      },
      {
        key: `${name}-newcomer`,
        title: `A guest of 16 MiB that sets out while strangers come from ${from}: total time`,
        unit: 'ms',
        better: 'lower',
        baseline: 'the same without strangers',
        target: { figure: 'measured', atMost: 1000 },
      },
    ],
    async sample(context) {
      const { alone, crowded } = await inTurn(context, {
        alone: async () => meet(context, false),
        crowded: async () => meet(context, true),
      });
      const { strangers } = crowded;
      if (strangers < STRANGERS) throw new Error(`only ${strangers} strangers came`);
      const mib = { alone: engineMibOf(alone), crowded: engineMibOf(crowded) };
      return {
        rows: {
          [`${name}-rate`]: {
            measured: rateOf(crowded),
            baseline: rateOf(alone),
            details: { strangers },
          },
          [`${name}-memory`]: { measured: Math.max(0, mib.crowded - mib.alone), details: mib },
          [`${name}-newcomer`]: {
            measured: crowded.newcomer.report.totalMs,
            baseline: alone.newcomer.report.totalMs,
          },
        },
      };
    },
  };
}

export const crowdScenarios: readonly Scenario[] = VARIANTS.map(crowdScenario);
