// What a run is doing, on stderr: one line that changes on a terminal, a line for each sample otherwise.
import { repetitionsOf } from './runner.mjs';

/** For a scenario that has neither been sampled nor says how long it takes. */
const GUESS_SECONDS = 5;

function seconds(count) {
  if (count < 90) return `${Math.round(count)} s`;
  return `${Math.floor(count / 60)} min ${Math.round(count % 60)} s`;
}

/** Three digits, and 1190 rather than 1.19e+3. */
function short(value) {
  return `${Number(value.toPrecision(3))}`;
}

function figures(scenario, sample) {
  return scenario.rows
    .map(({ key, unit }) => {
      const { measured, baseline, skipped } = sample.rows[key];
      if (skipped !== undefined) return `${key} skipped: ${skipped}`;
      const beside = baseline === undefined ? '' : ` beside ${short(baseline)}`;
      return `${key} ${short(measured)}${beside} ${unit}`;
    })
    .join(', ');
}

/** Predicts from what samples of the same scenario took, and before the first from what it says. */
class TimeLeft {
  #left = new Map();
  #perSample = new Map();
  #startedAt = 0;

  constructor(scenarios, repetitions, taken) {
    for (const scenario of scenarios) {
      const samples = repetitionsOf(scenario, repetitions) - taken(scenario);
      const warmUp = samples > 0 && scenario.warmUp !== false ? 1 : 0;
      this.#left.set(scenario.name, samples + warmUp);
      this.#perSample.set(scenario.name, scenario.sampleSeconds ?? GUESS_SECONDS);
    }
  }

  begin() {
    this.#startedAt = performance.now();
  }

  end({ name }) {
    this.#perSample.set(name, (performance.now() - this.#startedAt) / 1000);
    this.#left.set(name, this.#left.get(name) - 1);
  }

  drop({ name }) {
    this.#left.set(name, 0);
  }

  get seconds() {
    let sum = 0;
    for (const [name, count] of this.#left) sum += count * this.#perSample.get(name);
    return sum;
  }
}

export class Progress {
  #stream;
  #live;
  #timeLeft;
  #sampling = false;

  constructor(stream, scenarios, repetitions, taken) {
    this.#stream = stream;
    this.#live = stream.isTTY === true && process.env.TERM !== 'dumb';
    this.#timeLeft = new TimeLeft(scenarios, repetitions, taken);
  }

  sampling(scenario, number, total) {
    if (this.#sampling) this.#timeLeft.end(scenario);
    this.#sampling = true;
    this.#timeLeft.begin();
    const what = number === 0 ? 'warming up' : `${number} of ${total}`;
    if (this.#live) this.#transient(`${scenario.name}: ${what} (${this.#left()})`);
    else if (number === 0) this.line(`${scenario.name}: ${what} (${this.#left()})`);
  }

  sampled(scenario, number, total, sample) {
    this.#timeLeft.end(scenario);
    this.#sampling = false;
    const text = `${scenario.name}: ${number} of ${total}: ${figures(scenario, sample)}`;
    this.line(`${text} (${this.#left()})`);
  }

  alreadyDone(scenario) {
    this.#settle(scenario, 'measured before');
  }

  /** `status` is 'skipped' or 'failed'. */
  givenUp(scenario, status, reason) {
    this.#settle(scenario, `${status}: ${reason}`);
  }

  note(scenario, text) {
    this.line(`${scenario.name}: ${text}`);
  }

  /** A line that stays. */
  line(text) {
    this.#clear();
    this.#stream.write(`bench: ${text}\n`);
  }

  close() {
    this.#clear();
  }

  #settle(scenario, text) {
    this.#timeLeft.drop(scenario);
    this.#sampling = false;
    this.line(`${scenario.name}: ${text}`);
  }

  #left() {
    return `about ${seconds(this.#timeLeft.seconds)} left`;
  }

  #transient(text) {
    this.#clear();
    const width = Math.max(20, (this.#stream.columns || 80) - 1);
    this.#stream.write(`bench: ${text}`.slice(0, width));
  }

  #clear() {
    if (this.#live) this.#stream.write('\r\u001b[K');
  }
}
