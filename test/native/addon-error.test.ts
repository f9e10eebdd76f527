/** What is said when the addon cannot be loaded: what helps depends on how one came by Pageferry. */
import { describe, expect, it } from 'vitest';
import { PageferryError } from '../../src/errors.js';
import { type AddonPlace, explainAddonError } from '../../src/native/addon-error.js';

const clone: AddonPlace = { kind: 'built in a clone', path: '/clone/addon.node' };
const brought: AddonPlace = {
  kind: 'brought by the package',
  path: '/package/addon.node',
  platform: 'linux-riscv64',
};
const missing = Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
const tooOld = Object.assign(new Error("libc.so.6: version `GLIBC_2.34' not found\nmore"), {
  code: 'ERR_DLOPEN_FAILED',
});

function explain(place: AddonPlace, error: unknown): PageferryError {
  const explained = explainAddonError(place, error);
  expect(explained).toBeInstanceOf(PageferryError);
  expect(explained).toMatchObject({ code: 'UNSUPPORTED', cause: error });
  return explained as PageferryError;
}

describe('an addon that cannot be loaded', () => {
  it('is built by the command of a clone, in a clone', () => {
    expect(explain(clone, missing).message).toMatch(
      /no native addon at \/clone\/addon\.node\. .* npm run build:native$/,
    );
    expect(explain(clone, tooOld).message).toMatch(
      /GLIBC_2\.34' not found\. .* npm run build:native$/,
    );
  });

  it('for a platform that packages bring none for, says which there are, and no command that a package lacks', () => {
    const { message } = explain(brought, missing);
    expect(message).toMatch(/linux-riscv64, only for linux-x64 and linux-arm64/);
    expect(message).not.toMatch(/build:native/);
  });

  it('on a C library that is too old, says which it needs', () => {
    expect(explain(brought, tooOld).message).toMatch(/It needs glibc 2\.34 or later/);
  });

  it('is not blamed for what it throws itself', () => {
    const own = new Error('of the addon');
    expect(explainAddonError(clone, own)).toBe(own);
  });
});
