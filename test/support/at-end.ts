/**
 * What a test leaves to be done at its end. Vitest's own `onTestFinished` knows only the test that began
 * last, which is another one where tests of a file run side by side.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundEach, type TestContext } from 'vitest';

const running = new AsyncLocalStorage<TestContext>();

aroundEach((runTest, context) => running.run(context, runTest));

/**
 * Calls `end` when the test that this is called from is over, however it ends; what was left last is done
 * first. Throws outside of a test.
 */
export function atEnd(end: () => unknown): void {
  const test = running.getStore();
  if (test === undefined) throw new Error('atEnd was called outside of a test');
  test.onTestFinished(async () => {
    await end();
  });
}
