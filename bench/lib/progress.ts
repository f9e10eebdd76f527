// What a run is doing, on stderr: one line that changes on a terminal, a line for each sample otherwise.
import type { UnmeasuredStatus } from '../result/schema.js';
import { isSkipped, repetitionsOf, type Sample, type Scenario } from './scenario.js';

/** For a scenario that has neither been sampled nor says how long it takes. */
const GUESS_SECONDS = 5;

function seconds(count: number): string {
  if (count < 90) return `${Math.round(count)} s`;
  if (count >= 3600) return `${Math.floor(count / 3600)} h ${Math.round((count % 3600) / 60)} min`;
  return `${Math.floor(count / 60)} min ${Math.round(count % 60)} s`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Three digits, and 1190 rather than 1.19e+3. */
function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}

function figures({ rows, briefly }: Scenario, sample: Sample): string {
  const told = rows.filter(({ key }) => briefly === undefined || briefly.includes(key));
  const texts = told.flatMap(({ key, unit }) => {
    const figure = sample.rows[key];
    if (figure === undefined) return [];
    if (isSkipped(figure)) return [`${key} skipped: ${figure.skipped}`];
    const { measured, baseline } = figure;
    if (measured === null) return [];
    const beside = typeof baseline === 'number' ? ` beside ${short(baseline)}` : '';
    return [`${key} ${short(measured)}${beside} ${unit}`];
  });
  return texts.join(', ');
}

/** Answers how many samples of the scenario there are. */
type Taken = (scenario: Scenario) => number;

/** Predicts from what samples of the same scenario took, and before the first from what it says. */
class TimeLeft {
  readonly #left = new Map<string, number>();
  readonly #perSample = new Map<string, number>();
  #startedAt = 0;

  constructor(scenarios: readonly Scenario[], repetitions: number, taken: Taken) {
    for (const scenario of scenarios) {
      const samples = repetitionsOf(scenario, repetitions) - taken(scenario);
      const warmUp = samples > 0 && scenario.warmUp !== false ? 1 : 0;
      this.#left.set(scenario.name, samples + warmUp);
      this.#perSample.set(scenario.name, scenario.sampleSeconds ?? GUESS_SECONDS);
    }
  }

  get scenarios(): number {
    return this.#left.size;
  }

  /** Samples that are due, with those that do not count. */
  get samples(): number {
    return [...this.#left.values()].reduce((sum, count) => sum + count, 0);
  }

  begin(): void {
    this.#startedAt = performance.now();
  }

  end({ name }: Scenario): void {
    this.#perSample.set(name, (performance.now() - this.#startedAt) / 1000);
    this.#left.set(name, (this.#left.get(name) ?? 0) - 1);
  }

  drop({ name }: Scenario): void {
    this.#left.set(name, 0);
  }

  get seconds(): number {
    let sum = 0;
    for (const [name, count] of this.#left) {
      sum += count * (this.#perSample.get(name) ?? GUESS_SECONDS);
    }
    return sum;
  }
}

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #timeLeft: TimeLeft;
  #sampling = false;

  constructor(
    stream: NodeJS.WriteStream,
    scenarios: readonly Scenario[],
    repetitions: number,
    taken: Taken,
  ) {
    this.#stream = stream;
    this.#live = stream.isTTY === true && process.env['TERM'] !== 'dumb';
    this.#timeLeft = new TimeLeft(scenarios, repetitions, taken);
  }

  /** What is to be done, before anything is. */
  overview(): void {
    const { samples, scenarios, seconds: all } = this.#timeLeft;
    const what = `${counted(scenarios, 'scenario')}, ${counted(samples, 'sample')}`;
    this.line(`${what}, about ${seconds(all)}`);
  }

  sampling(scenario: Scenario, number: number, total: number): void {
    if (this.#sampling) this.#timeLeft.end(scenario);
    this.#sampling = true;
    this.#timeLeft.begin();
    const what = number === 0 ? 'warming up' : `${number} of ${total}`;
    if (this.#live) this.#transient(`${scenario.name}: ${what} (${this.#left()})`);
    else if (number === 0) this.line(`${scenario.name}: ${what} (${this.#left()})`);
  }

  sampled(scenario: Scenario, number: number, total: number, sample: Sample): void {
    this.#timeLeft.end(scenario);
    this.#sampling = false;
    const text = `${scenario.name}: ${number} of ${total}: ${figures(scenario, sample)}`;
    this.line(`${text} (${this.#left()})`);
  }

  alreadyDone(scenario: Scenario): void {
    this.#settle(scenario, 'measured before');
  }

  givenUp(scenario: Scenario, status: UnmeasuredStatus, reason: string): void {
    this.#settle(scenario, `${status}: ${reason}`);
  }

  note(scenario: Scenario, text: string): void {
    this.line(`${scenario.name}: ${text}`);
  }

  /** A line that stays. */
  line(text: string): void {
    this.#clear();
    this.#stream.write(`bench: ${text}\n`);
  }

  close(): void {
    this.#clear();
  }

  #settle(scenario: Scenario, text: string): void {
    this.#timeLeft.drop(scenario);
    this.#sampling = false;
    this.line(`${scenario.name}: ${text}`);
  }

  #left(): string {
    return `about ${seconds(this.#timeLeft.seconds)} left`;
  }

  #transient(text: string): void {
    this.#clear();
    const width = Math.max(20, (this.#stream.columns || 80) - 1);
    this.#stream.write(`bench: ${text}`.slice(0, width));
  }

  #clear(): void {
    if (this.#live) this.#stream.write('\r\u001b[K');
  }
}
