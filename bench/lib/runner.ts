// Runs the scenarios of a suite, one after the other, into a ResultBuilder.
import { setTimeout as sleep } from 'node:timers/promises';
import { availableMemory } from '../../dist/index.js';
import { WriteError } from '../result/file.mjs';
import { watchCpuTime } from './cpu-time.mjs';

/** What must stay free for everything that is not a guest. */
const RESERVE_BYTES = 2 ** 30;
/** Ctrl-C reaches every process of the terminal: the end of a child may be noticed before the signal. */
const SIGNAL_LAG_MS = 100;

/** Samples of this scenario that count. */
export function repetitionsOf(scenario, repetitions) {
  return Math.min(repetitions, scenario.mostRepetitions ?? repetitions);
}

/** Why it cannot be measured here, or null. */
async function obstacle(scenario) {
  const reason = (await scenario.skip?.()) ?? null;
  if (reason !== null) return reason;
  const needed = scenario.neededBytes + RESERVE_BYTES;
  const available = availableMemory().bytes;
  if (available >= needed) return null;
  const gib = (bytes) => (bytes / 2 ** 30).toFixed(1);
  return `needs ${gib(needed)} GiB of free memory, ${gib(available)} GiB are free`;
}

export class Runner {
  #builder;
  #save;
  #progress;
  #repetitions;
  #link;
  #signal;

  /**
   * `save` writes the result and may throw WriteError; `progress` is told what happens; `signal` aborts.
   */
  constructor({ builder, save, progress, repetitions, link, signal }) {
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
  async run(scenarios) {
    for (const scenario of scenarios) await this.#runScenario(scenario);
    this.#builder.finish();
    this.#save();
  }

  async #runScenario(scenario) {
    this.#signal.throwIfAborted();
    const total = repetitionsOf(scenario, this.#repetitions);
    if (this.#builder.taken(scenario) >= total) return this.#progress.alreadyDone(scenario);
    try {
      const reason = await obstacle(scenario);
      if (reason !== null) return this.#giveUp(scenario, 'skipped', reason);
      await this.#takeSamples(scenario, total);
    } catch (error) {
      if (error instanceof WriteError) throw error;
      await this.#throwIfAborted();
      // What this kernel or this user cannot have is no failure.
      this.#giveUp(scenario, error.code === 'UNSUPPORTED' ? 'skipped' : 'failed', error.message);
    }
  }

  #giveUp(scenario, status, reason) {
    this.#progress.givenUp(scenario, status, reason);
    this.#builder.giveUp(scenario, status, reason);
    this.#save();
  }

  async #takeSamples(scenario, total) {
    if (scenario.warmUp !== false) {
      this.#progress.sampling(scenario, 0, total);
      await scenario.sample(this.#context(scenario, 0, true));
    }
    while (this.#builder.taken(scenario) < total) {
      const repetition = this.#builder.taken(scenario);
      this.#progress.sampling(scenario, repetition + 1, total);
      const shares = watchCpuTime();
      const sample = await scenario.sample(this.#context(scenario, repetition, false));
      this.#builder.add(scenario, repetition, sample, shares().stolen);
      this.#progress.sampled(scenario, repetition + 1, total, sample);
      this.#save();
      this.#signal.throwIfAborted();
    }
  }

  #context(scenario, repetition, warmUp) {
    const log = (text) => this.#progress.note(scenario, text);
    return { repetition, warmUp, signal: this.#signal, log, link: this.#link };
  }

  async #throwIfAborted() {
    if (!this.#signal.aborted) await sleep(SIGNAL_LAG_MS);
    this.#signal.throwIfAborted();
  }
}
