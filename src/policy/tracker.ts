/** Which dirty tracker a migration uses. Pure. */
import type { Probe } from '../native/constants.js';
import type { TrackerKind } from '../native/memory.js';

export interface TrackerWish {
  /** What the user asked for; undefined: the best that this kernel offers. */
  readonly wanted: TrackerKind | undefined;
  readonly offered: Probe;
  /** As `Guest.kernelTouches` says; undefined: nobody knows. */
  readonly kernelTouches: boolean | undefined;
}

export type TrackerChoice =
  /** `warning`: what the user should know before it is used. */
  | { readonly kind: 'use'; readonly tracker: TrackerKind; readonly warning?: string }
  | { readonly kind: 'refuse'; readonly reason: string };

/** What `mprotect` does that the others do not, in every text alike. */
const HARM =
  'with mprotect, system calls, KVM and vhost that write into guest memory fail with EFAULT';

export function chooseTracker({ wanted, offered, kernelTouches }: TrackerWish): TrackerChoice {
  const tracker = wanted ?? offered.tracker;
  if (tracker !== 'mprotect') return { kind: 'use', tracker };
  const asked = wanted !== undefined;
  if (kernelTouches) {
    const way = asked
      ? 'Ask for a uffd tracker'
      : `Only mprotect works here (${whyNoOther(offered)}): get a uffd tracker`;
    return {
      kind: 'refuse',
      reason: `the guest says that the kernel touches its memory, and ${HARM}. ${way}, or migrate by stop-and-copy or post-copy, which track nothing`,
    };
  }
  if (asked || kernelTouches === false) return { kind: 'use', tracker };
  return {
    kind: 'use',
    tracker,
    warning: `only the mprotect dirty tracker works here (${whyNoOther(offered)}): ${HARM}. A guest can refuse it with kernelTouches`,
  };
}

/** Of the best of the others, which is the first. */
function whyNoOther({ capabilities }: Probe): string {
  const best = capabilities.find(({ name }) => name.startsWith('uffd'));
  return best === undefined
    ? 'see pageferry doctor'
    : `${best.name}: ${best.reason}; ${best.remedy}`;
}
