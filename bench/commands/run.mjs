// `pageferry bench [SUITE|FILE.json]`: measures, and keeps what was measured whatever happens.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnvironment } from '../lib/environment.mjs';
import { Interrupted, UsageError } from '../lib/errors.mjs';
import { warmMemory } from '../lib/host.mjs';
import { abortOnInterrupt } from '../lib/interrupts.mjs';
import { linkObstacle } from '../lib/options.mjs';
import { Progress } from '../lib/progress.mjs';
import { Runner } from '../lib/runner.mjs';
import { readScenarioFile } from '../lib/scenario-file.mjs';
import { describeLink } from '../links/index.mjs';
import { ResultBuilder } from '../result/builder.mjs';
import { readResult, toJson, WriteError, writeWhole } from '../result/file.mjs';
import { toMarkdown } from '../result/markdown.mjs';
import { suites } from '../suites/index.mjs';
import { htmlBeside, writeReport } from './report.mjs';

const LOOPBACK = { kind: 'loopback' };

function findSuite(name) {
  const suite = suites.find((one) => one.name === name);
  if (suite !== undefined) return suite;
  if (name.endsWith('.json')) {
    return readScenarioFile(name);
  }
  const names = suites.map((one) => one.name).join(', ');
  throw new UsageError(`no suite is called '${name}'; there are ${names}, or a FILE.json`);
}

function chooseScenarios(suite, only, full) {
  if (full && suite.full === undefined) {
    throw new UsageError(`the suite ${suite.name} has no more with --full`);
  }
  const scenarios = full ? suite.full : suite.scenarios;
  if (only === null) return scenarios;
  const unknown = only.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown === undefined) return scenarios.filter(({ name }) => only.includes(name));
  const names = scenarios.map(({ name }) => name).join(', ');
  throw new UsageError(`no scenario of ${suite.name} is called '${unknown}'; there are ${names}`);
}

/** What to type for such a result again; where this one was written does not matter. */
function commandOf({ suite, only, repetitions, full, link }) {
  const rate = link.rateBytesPerSecond;
  return [
    'npx pageferry bench',
    suite,
    ...(only === null ? [] : ['--only', only.join(',')]),
    ...(repetitions === 5 ? [] : ['--repetitions', repetitions]),
    ...(full ? ['--full'] : []),
    ...(link.kind === 'netns' ? ['--netns', rate === null ? '' : `${(rate * 8) / 1e6}Mbit`] : []),
    ...(link.kind === 'relay' ? ['--rtt', `${link.rttMs}ms`] : []),
  ]
    .filter((word) => word !== '')
    .join(' ');
}

/** The newest result of this suite in the folder that has not finished. */
function newestUnfinished(out, suite) {
  const names = existsSync(out) ? readdirSync(out).sort().reverse() : [];
  for (const name of names) {
    if (!name.startsWith(`${suite}-`) || !name.endsWith('.json')) continue;
    const file = join(out, name);
    const { finishedAt } = readResult(file);
    if (finishedAt === null) return file;
  }
  throw new UsageError(`no run of ${suite} in ${out} is unfinished: there is nothing to resume`);
}

/** Throws UsageError with what differs between the run to resume and what was asked for. */
function checkSamePlan(file, previous, plan, environment) {
  if (previous.plan === undefined) throw new UsageError(`${file} does not say what was planned`);
  const facts = (planned, { commit, modified }) => ({
    ...planned,
    commit,
    'changes to the engine': modified,
  });
  const then = facts(previous.plan, previous.environment);
  const now = facts(plan, environment);
  const differing = Object.keys(now).filter(
    (name) => JSON.stringify(then[name]) !== JSON.stringify(now[name]),
  );
  if (differing.length === 0) return;
  const each = differing.map(
    (name) => `${name} was ${JSON.stringify(then[name])} and is ${JSON.stringify(now[name])}`,
  );
  throw new UsageError(`cannot resume ${file}: ${each.join('; ')}`);
}

function resultFile({ out, json }, suite, startedAt) {
  if (json !== undefined && json !== '-') return json;
  return join(out, `${suite}-${startedAt.slice(0, 19).replaceAll(':', '')}.json`);
}

/** The file to go on with and what is in it, or undefined for a run from the beginning. */
function previousRun({ resume, out }, suite) {
  if (resume === undefined) return undefined;
  const file = resume === true ? newestUnfinished(out, suite) : resume;
  return { file, result: readResult(file) };
}

function newHead(plan, scenarios, environment) {
  return {
    version: 2,
    suite: plan.suite,
    command: commandOf(plan),
    plan,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    repetitions: plan.repetitions,
    environment,
    methods: scenarios.map(({ name, how }) => ({ name, how })),
  };
}

/**
 * Targets are for loopback, and so are the baselines: over another link the migrations stand alone. A
 * scenario of a file that has a link of its own keeps it.
 */
function overLink(scenario, link) {
  if (link.kind === 'loopback') return scenario;
  const { how, rows, skip } = scenario;
  return {
    ...scenario,
    how: `${how} Here the migrations go over ${describeLink(link)}; what stands beside them was measured over loopback, and no target applies.`,
    rows: rows.map(({ target, ...row }) => row),
    skip: async () => linkObstacle(link) ?? (await skip?.()) ?? null,
  };
}

/** What was asked for, before anything is measured. Throws UsageError. */
function prepare(name, options) {
  const suite = findSuite(name);
  const { repetitions, full } = options;
  const only = options.only ?? null;
  const link = options.netns ?? options.rtt ?? LOOPBACK;
  const chosen = chooseScenarios(suite, only, full);
  const plan = { suite: name, only, repetitions, link, full };
  const previous = previousRun(options, suite.name);
  return {
    plan,
    scenarios: chosen.map((scenario) => overLink(scenario, link)),
    suite,
    previous,
  };
}

async function measure({ plan, scenarios, suite, previous }, options, signal) {
  const environment = await describeEnvironment();
  if (previous !== undefined) {
    checkSamePlan(previous.file, previous.result, plan, environment);
  }
  const head = newHead(plan, scenarios, environment);
  if (previous !== undefined) head.startedAt = previous.result.startedAt;
  const builder = new ResultBuilder(head, scenarios, previous?.result);
  const file = previous?.file ?? resultFile(options, suite.name, head.startedAt);
  const save = () => writeWhole(file, toJson(builder.result()));
  const { repetitions, link } = plan;
  const progress = new Progress(process.stderr, scenarios, repetitions, (one) =>
    builder.taken(one),
  );
  try {
    if (!environment.quiet) {
      const percent = Math.round(environment.othersCpuShare * 100);
      progress.line(
        `other programs use ${percent} % of this machine: the figures will be worse than on a quiet one`,
      );
    }
    save();
    environment.warmedBytes = await warmMemory(scenarios, signal);
    await new Runner({ builder, save, progress, repetitions, link, signal }).run(scenarios);
  } catch (error) {
    if (error instanceof Interrupted || error instanceof WriteError) {
      progress.line(`${error.message}. What was measured is in ${file}; --resume ${file} goes on`);
    }
    throw error;
  } finally {
    progress.close();
  }
  return { file, result: builder.result(), failed: builder.failed };
}

/** Answers whether everything was measured. Throws what ended the run before its end. */
export async function runCommand(name, options) {
  const run = prepare(name, options);
  const { file, result, failed } = await measure(run, options, abortOnInterrupt());
  const table = toMarkdown(result);
  process.stdout.write(options.json === '-' ? toJson(result) : table);
  writeWhole(`${file.replace(/\.json$/, '')}.md`, table);
  const html = await writeReport(result, options.html ?? htmlBeside(file));
  process.stderr.write(`bench: result: ${file}${html === null ? '' : `, report: ${html}`}\n`);
  return !failed;
}
