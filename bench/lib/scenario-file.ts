// A suite of one's own: a JSON file with a list of migrations.
//
//   [{ "name": "small-hybrid", "memory": "64MiB", "workload": "sequential", "workingSet": "16MiB",
//      "dirtyRatio": 0.5, "fill": "text", "strategy": "hybrid", "bandwidth": "1Gbit" }]
//
// Sizes, rates and times are written as on the command line. README.md describes the fields.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import * as v from 'valibot';
import { parseFill, parseWorkload } from '#engine/cli/options.js';
import { CODEC_NAMES, STRATEGY_NAMES, TRACKER_KINDS } from '#engine/index.js';
import { parsePages, parseRate } from '#engine/units.js';
import type { WantedLink } from '../links/wanted-link.js';
import { readJson } from '../result/file.js';
import { migrationScenario } from '../scenarios/migration.js';
import { errorOf } from './errors.js';
import { linkObstacle, netnsLink, relayLink } from './options.js';
import type { Scenario, Suite } from './scenario.js';

/** Text that a parser of the command line reads; what the parser throws is the reason. */
function parsed<Value>(parse: (text: string) => Value) {
  return v.pipe(
    v.union([v.string(), v.number()]),
    v.rawTransform<string | number, Value>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(String(dataset.value));
      } catch (error) {
        addIssue({ message: errorOf(error).message });
        return NEVER;
      }
    }),
  );
}

const count = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));

const migration = v.pipe(
  v.strictObject({
    name: v.pipe(
      v.string(),
      v.regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected a name such as small-hybrid'),
    ),
    memory: parsed(parsePages),
    workload: v.optional(parsed(parseWorkload), 'sequential'),
    workingSet: v.optional(parsed(parsePages)),
    writesPerSecond: v.optional(count(1e9)),
    dirtyRatio: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
    fill: v.optional(parsed(parseFill), 'random'),
    strategy: v.picklist(STRATEGY_NAMES),
    bandwidth: v.optional(parsed(parseRate), 'unlimited'),
    channels: v.optional(count(64)),
    codec: v.optional(v.picklist(CODEC_NAMES), 'raw'),
    tracker: v.optional(v.picklist(TRACKER_KINDS)),
    rtt: v.optional(parsed(relayLink)),
    netns: v.optional(parsed(netnsLink)),
  }),
  v.forward(
    v.partialCheck(
      [['memory'], ['workingSet']],
      ({ memory, workingSet = 0 }) => workingSet <= memory,
      'expected no more than the memory',
    ),
    ['workingSet'],
  ),
  v.forward(
    v.partialCheck(
      [['writesPerSecond'], ['dirtyRatio']],
      ({ writesPerSecond, dirtyRatio }) =>
        writesPerSecond === undefined || dirtyRatio === undefined,
      'expected either this or writesPerSecond',
    ),
    ['dirtyRatio'],
  ),
  v.forward(
    v.partialCheck(
      [['rtt'], ['netns']],
      ({ rtt, netns }) => rtt === undefined || netns === undefined,
      'expected either this or rtt',
    ),
    ['netns'],
  ),
);

const scenarioFile = v.pipe(
  v.array(migration),
  v.minLength(1, 'expected at least one migration'),
  v.checkItems(
    ({ name }, index, all) => all.findIndex((one) => one.name === name) === index,
    'expected another name: one before has this',
  ),
);

function scenarioOf({ rtt, netns, ...wanted }: v.InferOutput<typeof migration>): Scenario {
  const link: WantedLink | undefined = netns ?? rtt;
  const scenario = migrationScenario({ ...wanted, link });
  return link === undefined ? scenario : { ...scenario, skip: async () => linkObstacle(link) };
}

/** Throws UsageError: which field, and why. */
export function readScenarioFile(file: string): Suite & { readonly digest: string } {
  const migrations = readJson(file, scenarioFile);
  return {
    name: basename(file, '.json'),
    title: `the migrations of ${file}`,
    scenarios: migrations.map(scenarioOf),
    // A run is only resumed with the same ones.
    digest: createHash('sha256').update(JSON.stringify(migrations)).digest('hex'),
  };
}
