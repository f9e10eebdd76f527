/** Runs programs as a user's shell would, who has no clone of Pageferry and is in no script of it. */
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';

/** Beside the one that runs the tests: a package has one addon for all of them. */
export const OTHER_NODES = [22, 24, 26] as const;

const TIMEOUT_MS = 300_000;

/** Without what npm tells the scripts of a package about that package. */
function userEnvironment(firstInPath: string | undefined): NodeJS.ProcessEnv {
  const ofScripts = /^(?:npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|VITEST|NODE_ENV$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ofScripts.test(name));
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const outside = folders.filter((one) => !/node_modules\/\.bin$|node-gyp-bin$/.test(one));
  const path = firstInPath === undefined ? outside : [firstInPath, ...outside];
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
}

/** Rejects unless it exits with 0; the error says what was written. `nodeFolder`: where the `node` to use is. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, nodeFolder }: { readonly cwd: string; readonly nodeFolder?: string },
): Promise<Ended> {
  return await promisify(execFile)(program, args, {
    cwd,
    env: userEnvironment(nodeFolder),
    timeout: TIMEOUT_MS,
    maxBuffer: 64 << 20,
  }).catch((error: Error & Ended) => {
    throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
  });
}

/** The same where it is to fail. */
export async function failureOf(...args: Parameters<typeof run>): Promise<Ended> {
  return await run(...args).then(
    () => {
      throw new Error(`${args[0]} ${args[1].join(' ')} exited with 0`);
    },
    ({ cause }: { cause: Ended }) => cause,
  );
}
