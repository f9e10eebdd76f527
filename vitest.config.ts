import { defineConfig } from 'vitest/config';

/**
 * Three projects. `engine` is `npm test`. `bench` is `npm run test:bench`: its tests run what measures, and ask of a time
 * only that it is no shorter than it can be, so that another file may run beside them. `package` is
 * `npm run test:package`: it packs, and installs what it packed.
 */
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'engine',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', 'test/package/**'],
          // These files wait for timeouts and for slow links more than they compute.
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'bench',
          include: ['test/bench/**/*.test.ts'],
          maxWorkers: 2,
          // Some run the bench several times, beside programs that another file compiles.
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: 'test/package/pack.ts',
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    // Each file in a process of its own: the addon installs signal handlers and owns threads.
    pool: 'forks',
    execArgv: ['--no-memory-reducer'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
