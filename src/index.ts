/** Pageferry: moves a running guest's memory from one process to another and measures what that costs. */
export { Destination, type DestinationEvents } from './destination/destination.js';
export { Ledger } from './destination/ledger.js';
export type { DestinationOptions } from './destination/options.js';
export { ERROR_CODES, type ErrorCode, PageferryError } from './errors.js';
export type { Guest, GuestFactory, GuestObservation, GuestProbe } from './guest/guest.js';
export {
  type Fill,
  memoryForImage,
  memoryForTrace,
  type WorkloadChoice,
  WorkloadGuest,
  type WorkloadOptions,
} from './guest/workload-guest.js';
export { type AvailableMemory, availableMemory } from './host/memory.js';
export {
  SOURCE_PHASES,
  type SourceEvents,
  type SourcePhase,
  type SourceProgress,
} from './metrics/events.js';
export type {
  DowntimeParts,
  GuestLocation,
  GuestReport,
  MigrationReport,
  Outcome,
  PreCopyReport,
  RoundReport,
} from './metrics/report.js';
export type { Capability, Probe } from './native/constants.js';
export { createGuestMemory, probe } from './native/machine.js';
export type { GuestMemory, TrackerKind } from './native/memory.js';
export { TRACKER_KINDS } from './native/memory.js';
export type { WorkloadName } from './native/workload.js';
export { WORKLOAD_NAMES } from './native/workload.js';
export type { CertificateFiles, PreSharedKeyFile, TlsOptions } from './options/security.js';
export type {
  Alternative,
  ConvergenceLimits,
  Decision,
  Obstacle,
  PreCopyDecision,
  RoundOutcome,
} from './policy/convergence.js';
export { rehearse } from './rehearsal/rehearse.js';
export { askOutcome, type MigrationOutcome } from './source/ask-outcome.js';
export type { SourceOptions } from './source/options.js';
export type { SourceFigures } from './source/progress.js';
export { MigrationFailed, Source } from './source/source.js';
export {
  hybrid,
  postCopy,
  preCopy,
  type Strategy,
  stopAndCopy,
} from './strategy/strategy.js';
export type { Trace } from './trace/format.js';
export { readTrace } from './trace/read-trace.js';
export { COMPRESSIONS, type Compression, STRATEGY_NAMES, type StrategyName } from './vocabulary.js';
