// `npm run bench`: measures what README.md claims, each figure beside its baseline or its limit.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeEnvironment } from './lib/environment.mjs';
import { toMarkdown } from './lib/markdown.mjs';
import { root } from './lib/native.mjs';
import { runScenario } from './lib/runner.mjs';
import { scenarios } from './scenarios/index.mjs';

const resultsDir = join(root, 'bench', 'results');
const DEFAULT_REPETITIONS = 5;
const names = scenarios.map(({ name }) => name);

const help = `usage: npm run bench -- [--only NAME,…] [--repetitions N] [--json FILE|-]

Measures migrations between two processes on this machine. Run it on a quiet machine, after npm ci;
it needs g++ for the baselines and up to 10 GiB of free memory. Progress goes to stderr, the table to
stdout.

  --only NAME,…     some of: ${names.join(', ')}
  --repetitions N   samples of each scenario, 1 … 100 (default ${DEFAULT_REPETITIONS}), after one that does not count
  --json FILE|-     where the result goes (default bench/results/<date>.json); with - it goes to
                    stdout instead of the table
  --help            this text

A complete run also writes bench/results/latest.md. The exit code is 0 when everything was measured,
whether or not a target is met; 1 when something could not be measured; 2 for wrong usage.
`;

class UsageError extends Error {}

function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      repetitions: { type: 'string', default: `${DEFAULT_REPETITIONS}` },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? names;
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no scenario is called '${unknown}'; there are ${names.join(', ')}`);
  }
  const repetitions = Number(values.repetitions);
  if (!Number.isInteger(repetitions) || repetitions < 1 || repetitions > 100) {
    throw new UsageError(`--repetitions must be 1 … 100, not '${values.repetitions}'`);
  }
  return { only, repetitions, json: values.json, help: values.help };
}

function log(text) {
  process.stderr.write(`bench: ${text}\n`);
}

/** What to type for such a result again; where this one was written does not matter. */
function command(chosen, repetitions) {
  const options = [
    ...(chosen.length < scenarios.length
      ? ['--only', chosen.map(({ name }) => name).join(',')]
      : []),
    ...(repetitions === DEFAULT_REPETITIONS ? [] : ['--repetitions', repetitions]),
  ];
  return ['npm run bench', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
}

async function measure(chosen, repetitions) {
  const startedAt = new Date().toISOString();
  const environment = await describeEnvironment();
  if (!environment.quiet) {
    const percent = Math.round(environment.othersCpuShare * 100);
    log(
      `other programs use ${percent} % of this machine: the figures will be worse than on a quiet one`,
    );
  }
  const rows = [];
  for (const scenario of chosen) rows.push(...(await runScenario(scenario, repetitions, log)));
  return {
    version: 1,
    startedAt,
    finishedAt: new Date().toISOString(),
    command: command(chosen, repetitions),
    repetitions,
    environment,
    methods: chosen.map(({ name, how }) => ({ name, how })),
    rows,
  };
}

function write(result, json, complete) {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  const table = toMarkdown(result);
  process.stdout.write(json === '-' ? text : table);
  if (json !== '-') {
    const name = result.startedAt.slice(0, 16).replace(':', '');
    const file = json ?? join(resultsDir, `${name}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (!complete) return;
  mkdirSync(resultsDir, { recursive: true });
  writeFileSync(join(resultsDir, 'latest.md'), table);
}

async function main() {
  const { only, repetitions, json, help: wantsHelp } = readArguments();
  if (wantsHelp) {
    process.stdout.write(help);
    return;
  }
  const chosen = scenarios.filter(({ name }) => only.includes(name));
  if (!existsSync(join(root, 'dist', 'index.js'))) throw new Error('nothing is built: run npm ci');
  const result = await measure(chosen, repetitions);
  const failed = result.rows.some(({ status }) => status === 'failed');
  write(result, json, chosen.length === scenarios.length && !failed);
  if (failed) process.exitCode = 1;
}

main().catch((error) => {
  const wrongUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  log(error.message);
  process.exitCode = wrongUsage ? 2 : 1;
});
