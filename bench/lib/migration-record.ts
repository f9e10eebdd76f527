// A migration of ours as the result file has it.

const SECOND_MS = 1000;

/**
 * `parameters` are what varied (working set, link, dirty ratio, …); what the guest and the migration were
 * told fills in the rest.
 */
export function recordOf(label, { guest, source }, run, parameters = {}) {
  const { memoryBytes, workload, workingSetBytes, writesPerSecond, fill } = guest.options ?? guest;
  return {
    label,
    parameters: {
      engine: 'pageferry',
      strategy: source.strategy,
      memoryBytes,
      workingSetBytes: workingSetBytes ?? null,
      linkBytesPerSecond: source.bandwidthBytesPerSecond ?? null,
      dirtyRatio: null,
      fill: fill?.kind ?? 'zero',
      workload: workload ?? guest.kind,
      writesPerSecond: writesPerSecond ?? null,
      ...parameters,
    },
    report: run.report,
    timeline: run.timeline,
    cpuSeconds: {
      source: run.source.cpuMs / SECOND_MS,
      destination: run.destination.cpuMs / SECOND_MS,
    },
    // The longest gap between two marks of the guest: before, across and after the switchover.
    gapsMs: run.destination.gapsMs,
  };
}
