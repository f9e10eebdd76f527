/** Why the native addon is not there, and what helps in the project where that is so. */
import { nativeCode, PageferryError } from '../errors.js';

/** Each way of having Pageferry has one place for the addon. */
export type AddonPlace =
  | { readonly kind: 'named by PAGEFERRY_ADDON'; readonly path: string }
  | { readonly kind: 'built in a clone'; readonly path: string }
  | {
      readonly kind: 'brought by the package';
      readonly path: string;
      /** Of this process, such as linux-x64. */
      readonly platform: string;
    };

/** What a package brings and what that needs: scripts/prebuilds.mjs builds these, and holds them to it. */
const PLATFORMS = 'linux-x64 and linux-arm64';
const LEAST_GLIBC = '2.34';
const FROM_A_CLONE =
  "or run Pageferry from a clone of its repository, where npm ci builds the addon with that system's compiler";

/** `error` is what require() threw. What is no matter of finding and loading a file comes back as it is. */
export function explainAddonError(place: AddonPlace, error: unknown): unknown {
  if (!['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(nativeCode(error))) return error;
  return new PageferryError('UNSUPPORTED', describe(place, error), { cause: error });
}

function describe(place: AddonPlace, error: unknown): string {
  const isMissing = nativeCode(error) === 'MODULE_NOT_FOUND';
  const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
  const failed = isMissing
    ? `there is no native addon at ${place.path}`
    : `the native addon cannot be loaded: ${reason}`;
  switch (place.kind) {
    case 'named by PAGEFERRY_ADDON':
      return `${failed}, which PAGEFERRY_ADDON names. Name another file, or unset the variable`;
    case 'built in a clone':
      return `${failed}. Build it with: npm run build:native`;
    case 'brought by the package':
      return isMissing
        ? `this package has no native addon for ${place.platform}, only for ${PLATFORMS}. Use one of these, ${FROM_A_CLONE}`
        : `${failed}. It needs glibc ${LEAST_GLIBC} or later. Use a system that has it, ${FROM_A_CLONE}`;
  }
}
