// Runs the scenarios of a suite, one after the other, into a ResultBuilder.
import { setTimeout as sleep } from 'node:timers/promises';
import { availableMemory } from '#engine/index.js';
import type { WantedLink } from '../links/wanted-link.js';
import type { ResultBuilder } from '../result/builder.js';
import { WriteError } from '../result/file.js';
import type { UnmeasuredStatus } from '../result/schema.js';
import { watchCpuTime } from './cpu-time.js';
import { errorOf } from './errors.js';
import { linkObstacle } from './options.js';
import type { Progress } from './progress.js';
import { repetitionsOf, type SampleContext, type Scenario } from './scenario.js';
import { A_SAMPLE, type Compared, EVERY_PAGE } from './verification.js';

/** What must stay free for everything that is not a guest. */
const RESERVE_BYTES = 2 ** 30;
/** Ctrl-C reaches every process of the terminal: the end of a child may be noticed before the signal. */
const SIGNAL_LAG_MS = 100;

/** Why it cannot be measured here, or null. */
async function obstacle(scenario: Scenario, link: WantedLink): Promise<string | null> {
  const reason = linkObstacle(link) ?? (await scenario.skip?.()) ?? null;
  if (reason !== null) return reason;
  const needed = scenario.neededBytes + RESERVE_BYTES;
  const available = availableMemory().bytes;
  if (available >= needed) return null;
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  return `needs ${gib(needed)} GiB of free memory, ${gib(available)} GiB are free`;
}

interface RunnerOptions {
  readonly builder: ResultBuilder;
  /** Writes the result; may throw WriteError. */
  readonly save: () => void;
  /** Is told what happens. */
  readonly progress: Progress;
  readonly repetitions: number;
  readonly link: WantedLink;
  readonly signal: AbortSignal;
}

export class Runner {
  readonly #builder: ResultBuilder;
  readonly #save: () => void;
  readonly #progress: Progress;
  readonly #repetitions: number;
  readonly #link: WantedLink;
  readonly #signal: AbortSignal;

  constructor({ builder, save, progress, repetitions, link, signal }: RunnerOptions) {
    this.#builder = builder;
    this.#save = save;
    this.#progress = progress;
    this.#repetitions = repetitions;
    this.#link = link;
    this.#signal = signal;
  }

  /**
   * On return every row is in the result, as measured, skipped or failed. Throws the signal's reason when
   * it was aborted and WriteError when the result could not be written; what was sampled is kept.
   */
  async run(scenarios: readonly Scenario[]): Promise<void> {
    for (const scenario of scenarios) await this.#runScenario(scenario);
    this.#builder.finish();
    this.#save();
  }

  async #runScenario(scenario: Scenario): Promise<void> {
    this.#signal.throwIfAborted();
    const total = repetitionsOf(scenario, this.#repetitions);
    if (this.#builder.taken(scenario) >= total) return this.#progress.alreadyDone(scenario);
    try {
      const reason = await obstacle(scenario, this.#linkOf(scenario));
      if (reason !== null) return this.#giveUp(scenario, 'skipped', reason);
      await this.#takeSamples(scenario, total);
    } catch (error) {
      if (error instanceof WriteError) throw error;
      await this.#throwIfAborted();
      // What this kernel or this user cannot have is no failure.
      const { code, message } = errorOf(error);
      this.#giveUp(scenario, code === 'UNSUPPORTED' ? 'skipped' : 'failed', message);
    }
  }

  #giveUp(scenario: Scenario, status: UnmeasuredStatus, reason: string): void {
    this.#progress.givenUp(scenario, status, reason);
    this.#builder.giveUp(scenario, status, reason);
    this.#save();
  }

  async #takeSamples(scenario: Scenario, total: number): Promise<void> {
    if (scenario.warmUp !== false) {
      this.#progress.sampling(scenario, 0, total);
      await scenario.sample(
        this.#context(scenario, { repetition: 0, warmUp: true, verify: A_SAMPLE }),
      );
    }
    while (this.#builder.taken(scenario) < total) {
      const repetition = this.#builder.taken(scenario);
      this.#progress.sampling(scenario, repetition + 1, total);
      const compared: Compared[] = [];
      // Every page in the last one alone: it takes seconds, of which nothing is measured.
      const verify = repetition + 1 === total ? EVERY_PAGE : A_SAMPLE;
      const onCompared = (one: Compared) => compared.push(one);
      const context = this.#context(scenario, { repetition, warmUp: false, verify, onCompared });
      const shares = watchCpuTime();
      const sample = await scenario.sample(context);
      this.#builder.add(scenario, repetition, sample, { stolenShare: shares().stolen, compared });
      this.#progress.sampled(scenario, repetition + 1, total, sample);
      this.#save();
      this.#signal.throwIfAborted();
    }
  }

  #context(
    scenario: Scenario,
    which: Pick<SampleContext, 'repetition' | 'warmUp' | 'verify'> & Partial<SampleContext>,
  ): SampleContext {
    const log = (text: string) => this.#progress.note(scenario, text);
    const link = this.#linkOf(scenario);
    return { onCompared: () => {}, ...which, signal: this.#signal, log, link };
  }

  #linkOf(scenario: Scenario): WantedLink {
    return scenario.link ?? this.#link;
  }

  async #throwIfAborted(): Promise<void> {
    if (!this.#signal.aborted) await sleep(SIGNAL_LAG_MS);
    this.#signal.throwIfAborted();
  }
}
