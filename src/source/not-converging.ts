/** Why a migration ends that its strategy calls off. */
import { PageferryError } from '../errors.js';
import type { PreCopyDecision } from '../policy/convergence.js';

const REASONS = {
  'within-budget': 'the rest fits the downtime budget',
  'max-rounds': 'it has made as many rounds as it may',
  'memory-sent': 'it has sent three times as many pages as the guest has',
  'no-progress': 'the guest writes pages as fast as they can be sent',
} as const;

export function notConverging(preCopy: PreCopyDecision | null): PageferryError {
  const reason =
    preCopy === null || preCopy.decision === 'next-round'
      ? 'its strategy says so'
      : REASONS[preCopy.stoppedBecause];
  return new PageferryError(
    'NOT_CONVERGING',
    `pre-copy does not converge: ${reason}. Raise the bandwidth or the downtime budget, or use post-copy`,
  );
}
