// `pageferry bench [SUITE|FILE.json]`: measures, and keeps what was measured whatever happens.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnvironment } from '../lib/environment.js';
import { UsageError } from '../lib/errors.js';
import { abortOnInterrupt } from '../lib/interrupts.js';
import type { Scenario, Suite } from '../lib/scenario.js';
import { describeLink } from '../links/index.js';
import { LOOPBACK, type NetnsLink, type RelayLink, type WantedLink } from '../links/wanted-link.js';
import type { ResultHead } from '../result/builder.js';
import { readResult } from '../result/file.js';
import type { Environment, Plan, Result } from '../result/schema.js';
import { findSuite } from '../suites/find.js';
import { type Measured, measureInto, present, resultFile } from './measured.js';

export interface RunOptions {
  readonly repetitions?: number;
  readonly only?: readonly string[];
  readonly full?: boolean;
  readonly netns?: NetnsLink;
  readonly rtt?: RelayLink;
  /** The folder of the results. */
  readonly out: string;
  /** The result's file; '-' is stdout. */
  readonly json?: string;
  readonly html?: string;
  /** The run to go on with: its file, or the newest that did not finish. */
  readonly resume?: string | true;
}

/** In an error. */
const MOST_NAMES = 30;

/** A result that is gone on with. */
interface Previous {
  readonly file: string;
  readonly result: Result & { readonly plan: Plan };
}

interface Run {
  readonly plan: Plan;
  readonly scenarios: readonly Scenario[];
  readonly suite: Suite;
  readonly previous: Previous | undefined;
}

function chooseScenarios(suite: Suite, { only, full }: Plan): readonly Scenario[] {
  const scenarios = full ? suite.full : suite.scenarios;
  if (scenarios === undefined) {
    throw new UsageError(`the suite ${suite.name} has no more with --full`);
  }
  if (only === null) return scenarios;
  const chosen = only.map((pattern) => scenarios.filter(({ name }) => isCalled(name, pattern)));
  const unknown = only.find((_, i) => chosen[i]?.length === 0);
  if (unknown === undefined) return scenarios.filter((one) => chosen.flat().includes(one));
  const names = scenarios.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = scenarios.length - names.length;
  const all = `${names.join(', ')}${more > 0 ? `, and ${more} more, which bench list shows` : ''}`;
  throw new UsageError(`no scenario of ${suite.name} is called '${unknown}'; there are ${all}`);
}

/** In a pattern `*` stands for any text. */
function isCalled(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

/** What to type for such a result again; where this one was written does not matter. */
function commandOf({ suite, only, repetitions, full, link }: Plan): string {
  return [
    'npx pageferry bench',
    suite,
    ...(only === null ? [] : ['--only', only.join(',')]),
    ...(repetitions === 5 ? [] : ['--repetitions', `${repetitions}`]),
    ...(full ? ['--full'] : []),
    ...linkWords(link),
  ].join(' ');
}

function linkWords(link: WantedLink): string[] {
  if (link.kind === 'relay') return ['--rtt', `${link.rttMs}ms`];
  if (link.kind === 'loopback') return [];
  const { rateBytesPerSecond: rate } = link;
  return rate === null ? ['--netns'] : ['--netns', `${(rate * 8) / 1e6}Mbit`];
}

/** A result file, or null for something else that lies in the same folder. */
function readIfResult(file: string): Result | null {
  try {
    return readResult(file);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** Undefined for a result that does not say what was planned. */
function previousIn(file: string, result: Result | null): Previous | undefined {
  const plan = result?.plan;
  return result === null || plan === undefined ? undefined : { file, result: { ...result, plan } };
}

/** The newest result in the folder that has not finished: of this suite, or of any when it is undefined. */
function newestUnfinished(out: string, suite: string | undefined): Previous {
  const names = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith('.json')) : [];
  const [newest] = names
    .map((name) => join(out, name))
    .flatMap((file) => previousIn(file, readIfResult(file)) ?? [])
    .filter(({ result }) => result.finishedAt === null)
    .filter(({ result }) => suite === undefined || result.plan.suite === suite)
    .sort((a, b) => b.result.startedAt.localeCompare(a.result.startedAt));
  if (newest !== undefined) return newest;
  const what = suite === undefined ? 'no run' : `no run of ${suite}`;
  throw new UsageError(`${what} in ${out} is unfinished: there is nothing to resume`);
}

/** Throws UsageError with what differs between the run to resume and what was asked for. */
function checkSame<Facts extends object>(file: string, then: Facts, now: Facts): void {
  const before = new Map<string, unknown>(Object.entries(then));
  const each = Object.entries(now)
    .map(
      ([name, value]) => [name, JSON.stringify(before.get(name)), JSON.stringify(value)] as const,
    )
    .filter(([, was, is]) => was !== is)
    .map(([name, was, is]) => `${name} was ${was} and is ${is}`);
  if (each.length === 0) return;
  throw new UsageError(`cannot resume ${file}: ${each.join('; ')}`);
}

/** What figures of one result have in common. */
function programsOf({ commit, modified, qemu }: Environment) {
  return { commit, 'changes to the engine': modified, QEMU: qemu };
}

/** The file to go on with and what is in it, or undefined for a run from the beginning. */
function previousRun({ resume, out }: RunOptions, suite: string | undefined): Previous | undefined {
  if (resume === undefined) return undefined;
  if (resume === true) return newestUnfinished(out, suite);
  const previous = previousIn(resume, readResult(resume));
  if (previous === undefined) throw new UsageError(`${resume} does not say what was planned`);
  return previous;
}

function newHead(
  plan: Plan,
  scenarios: readonly Scenario[],
  environment: Environment,
  startedAt = new Date().toISOString(),
): ResultHead {
  return {
    version: 2,
    suite: plan.suite,
    command: commandOf(plan),
    plan,
    startedAt,
    finishedAt: null,
    repetitions: plan.repetitions,
    environment,
    methods: scenarios.map(({ name, how }) => ({ name, how })),
  };
}

/**
 * Targets are for loopback, and so are the baselines: over another link the migrations stand alone. A
 * scenario that has a link of its own keeps it, and its targets.
 */
function overLink(scenario: Scenario, link: WantedLink): Scenario {
  if (link.kind === 'loopback' || scenario.link !== undefined) return scenario;
  const { how, rows } = scenario;
  return {
    ...scenario,
    how: `${how} Here the migrations go over ${describeLink(link)}; what stands beside them was measured over loopback, and no target applies.`,
    rows: rows.map(({ target, ...row }) => row),
  };
}

const DEFAULT_PLAN: Plan = {
  suite: 'quick',
  only: null,
  repetitions: 5,
  link: LOOPBACK,
  full: false,
  digest: null,
};

/** What was asked for; what was not said is as in the run to go on with. */
function planOf(suite: string | undefined, options: RunOptions, previous?: Previous): Plan {
  const before = previous?.result.plan ?? DEFAULT_PLAN;
  const { only, repetitions, netns, rtt, full } = options;
  return {
    suite: suite ?? before.suite,
    only: only === undefined ? before.only : [...only],
    repetitions: repetitions ?? before.repetitions,
    link: netns ?? rtt ?? before.link,
    full: full ?? before.full,
    digest: before.digest,
  };
}

/** What is to be done, before anything is measured. Throws UsageError. */
async function prepare(name: string | undefined, options: RunOptions): Promise<Run> {
  const previous = previousRun(options, name);
  const wanted = planOf(name, options, previous);
  const suite = await findSuite(wanted.suite, wanted.full);
  const chosen = chooseScenarios(suite, wanted);
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

async function measure(
  { plan, scenarios, suite, previous }: Run,
  options: RunOptions,
  signal: AbortSignal,
): Promise<Measured> {
  const environment = await describeEnvironment();
  if (previous !== undefined) {
    const { file, result } = previous;
    checkSame(file, programsOf(result.environment), programsOf(environment));
  }
  const head = newHead(plan, scenarios, environment, previous?.result.startedAt);
  const file = previous?.file ?? resultFile(options, suite.name, head.startedAt);
  const { link } = plan;
  return await measureInto(file, { head, scenarios, link, previous: previous?.result }, signal);
}

/** Answers whether everything was measured. Throws what ended the run before its end. */
export async function runCommand(name: string | undefined, options: RunOptions): Promise<boolean> {
  const run = await prepare(name, options);
  return await present(await measure(run, options, abortOnInterrupt()), options);
}
