// What a suite consists of.
import type { WantedLink } from '../links/wanted-link.js';
import type { Better, Distribution, Migration, Target } from '../result/schema.js';
import type { MigrationContext } from './pair.js';

export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly scenarios: readonly Scenario[];
  /** The scenarios of `--full`. */
  readonly full?: readonly Scenario[];
  /** False: nothing of it crosses the link that --netns or --rtt would choose. */
  readonly overLinks?: false;
  /** Of a file of scenarios: what was in it. */
  readonly digest?: string;
}

export interface Scenario {
  readonly name: string;
  /** A sentence or two on how it measures. */
  readonly how: string;
  /** Of free memory. */
  readonly neededBytes: number;
  readonly rows: readonly ScenarioRow[];
  /** Keys of the rows that the progress tells of, where all would be too many. */
  readonly briefly?: readonly string[];
  /** Samples at most, whatever was asked for. */
  readonly mostRepetitions?: number;
  /** False: no first sample that does not count. */
  readonly warmUp?: boolean;
  /** What one sample takes, for the time left before there is a sample. */
  readonly sampleSeconds?: number;
  /** What lies between a source and a destination, whatever link the run was told. */
  readonly link?: WantedLink | undefined;
  /** Answers why it cannot be measured here, or null; whether the link can be had is known without. */
  skip?(): Promise<string | null>;
  /** When `signal` aborts, it ends what it started and rejects. */
  sample(context: SampleContext): Promise<Sample>;
}

export interface ScenarioRow {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly better: Better;
  /** Names what stands beside the figure; a function where the name is known only once that was measured. */
  readonly baseline?: string | (() => string) | undefined;
  /** Holds for the median of the measured figure, or of its ratio to the baseline. */
  readonly target?: Target | undefined;
}

export interface SampleContext extends MigrationContext {
  readonly repetition: number;
  readonly warmUp: boolean;
  readonly log: (text: string) => void;
}

export interface Sample {
  /** One for each row of the scenario, by its key. */
  readonly rows: Readonly<Record<string, Figure>>;
  readonly migrations?: readonly MigrationRecord[];
  readonly distributions?: readonly SampledDistribution[];
}

export type Figure = Measured | Skipped;

/** A figure that is null or not finite makes the sample fail. */
export interface Measured {
  readonly measured: number | null;
  readonly baseline?: number | null;
  readonly details?: unknown;
}

export interface Skipped {
  readonly skipped: string;
}

/** As the result has them; whoever collects the samples knows which scenario and repetition it was. */
export type MigrationRecord = Pick<Migration, 'label' | 'parameters' | 'report' | 'timeline'>;
export type SampledDistribution = Pick<Distribution, 'key' | 'title' | 'unit' | 'series'>;

/** Samples of this scenario that count. */
export function repetitionsOf({ mostRepetitions }: Scenario, repetitions: number): number {
  return Math.min(repetitions, mostRepetitions ?? repetitions);
}

export function isSkipped(figure: Measured | Skipped): figure is Skipped {
  return 'skipped' in figure;
}
