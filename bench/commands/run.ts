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
import { toMarkdown } from '../report/markdown.mjs';
import { ResultBuilder } from '../result/builder.mjs';
import { isOrdinaryFile, readResult, toJson, WriteError, writeWhole } from '../result/file.mjs';
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

/** A result file, or null for something else that lies in the same folder. */
function readIfResult(file) {
  try {
    return readResult(file);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** The newest result in the folder that has not finished: of this suite, or of any when it is undefined. */
function newestUnfinished(out, suite) {
  const names = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith('.json')) : [];
  const [newest] = names
    .map((name) => ({ file: join(out, name), result: readIfResult(join(out, name)) }))
    .filter(({ result }) => result?.plan !== undefined && result.finishedAt === null)
    .filter(({ result }) => suite === undefined || result.plan.suite === suite)
    .sort((a, b) => b.result.startedAt.localeCompare(a.result.startedAt));
  if (newest !== undefined) return newest;
  const what = suite === undefined ? 'no run' : `no run of ${suite}`;
  throw new UsageError(`${what} in ${out} is unfinished: there is nothing to resume`);
}

/** Throws UsageError with what differs between the run to resume and what was asked for. */
function checkSame(file, then, now) {
  const differing = Object.keys(now).filter(
    (name) => JSON.stringify(then[name]) !== JSON.stringify(now[name]),
  );
  if (differing.length === 0) return;
  const each = differing.map(
    (name) => `${name} was ${JSON.stringify(then[name])} and is ${JSON.stringify(now[name])}`,
  );
  throw new UsageError(`cannot resume ${file}: ${each.join('; ')}`);
}

/** What figures of one result have in common. */
function engineOf({ commit, modified }) {
  return { commit, 'changes to the engine': modified };
}

function resultFile({ out, json }, suite, startedAt) {
  if (json !== undefined && json !== '-') return json;
  return join(out, `${suite}-${startedAt.slice(0, 19).replaceAll(':', '')}.json`);
}

/** The file to go on with and what is in it, or undefined for a run from the beginning. */
function previousRun({ resume, out }, suite) {
  if (resume === undefined) return undefined;
  if (resume === true) return newestUnfinished(out, suite);
  const result = readResult(resume);
  if (result.plan === undefined) throw new UsageError(`${resume} does not say what was planned`);
  return { file: resume, result };
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

const DEFAULT_PLAN = { suite: 'quick', only: null, repetitions: 5, link: LOOPBACK, full: false };

/** What was asked for; what was not said is as in the run to go on with. */
function planOf(suite, { only, repetitions, netns, rtt, full }, previous) {
  const said = { suite, only, repetitions, link: netns ?? rtt, full };
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_PLAN, ...previous?.result.plan, ...Object.fromEntries(given) };
}

/** What is to be done, before anything is measured. Throws UsageError. */
function prepare(name, options) {
  const previous = previousRun(options, name);
  const wanted = planOf(name, options, previous);
  const suite = findSuite(wanted.suite);
  const chosen = chooseScenarios(suite, wanted.only, wanted.full);
  if (suite.overLinks === false && wanted.link.kind !== 'loopback') {
    throw new UsageError(
      `nothing in the suite ${suite.name} crosses a link: leave --netns or --rtt out`,
    );
  }
  const plan = { ...wanted, digest: suite.digest ?? null };
  if (previous !== undefined) checkSame(previous.file, previous.result.plan, plan);
  return {
    plan,
    scenarios: chosen.map((scenario) => overLink(scenario, plan.link)),
    suite,
    previous,
  };
}

async function measure({ plan, scenarios, suite, previous }, options, signal) {
  const environment = await describeEnvironment();
  if (previous !== undefined) {
    const { file, result } = previous;
    checkSame(file, engineOf(result.environment), engineOf(environment));
  }
  const head = newHead(plan, scenarios, environment);
  if (previous !== undefined) head.startedAt = previous.result.startedAt;
  const builder = new ResultBuilder(head, scenarios, previous?.result);
  const file = previous?.file ?? resultFile(options, suite.name, head.startedAt);
  let hasSaved = previous !== undefined;
  const save = () => {
    writeWhole(file, toJson(builder.result()));
    hasSaved = true;
  };
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
    if (hasSaved && (error instanceof Interrupted || error instanceof WriteError)) {
      error.hint = `What was measured is in ${file}; pageferry bench --resume ${file} goes on`;
    }
    throw error;
  } finally {
    progress.close();
  }
  return { file, result: builder.result(), failed: builder.failed };
}

/** The tables and the report beside the result. Answers the report's file, or null for none. */
async function writeBeside(file, result, table, html) {
  // Beside a device or a pipe there is no place for them.
  const isOrdinary = isOrdinaryFile(file);
  if (isOrdinary) writeWhole(`${file.replace(/\.json$/, '')}.md`, table);
  const report = html ?? (isOrdinary ? htmlBeside(file) : undefined);
  return report === undefined ? null : writeReport(result, report);
}

/** Answers whether everything was measured. Throws what ended the run before its end. */
export async function runCommand(name, options) {
  const run = prepare(name, options);
  const { file, result, failed } = await measure(run, options, abortOnInterrupt());
  const table = toMarkdown(result);
  process.stdout.write(options.json === '-' ? toJson(result) : table);
  const html = await writeBeside(file, result, table, options.html);
  process.stderr.write(`bench: result: ${file}${html === null ? '' : `, report: ${html}`}\n`);
  return !failed;
}
