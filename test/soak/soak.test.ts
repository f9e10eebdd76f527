import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const soak = fileURLToPath(new URL('soak.mjs', import.meta.url));

describe.concurrent('the soak', () => {
  it('verifies a dozen migrations in a row between two processes', async () => {
    const { stdout } = await run(process.execPath, [soak, '--migrations', '12', '--seed', '20']);
    expect(stdout).toMatch(/^12 migrations, seed 20\n/);
    expect(stdout.match(/ verified \|/g)).toHaveLength(12);
    expect(stdout).toMatch(/\n12 migrations verified in .+\n$/);
  });

  it('refuses a number of migrations that is none', async () => {
    await expect(run(process.execPath, [soak, '--migrations', 'many'])).rejects.toMatchObject({
      code: 2,
    });
  });
});
