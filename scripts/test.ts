/**
 * `npm test`: all tests, or those that the arguments name, as `vitest run` takes them (`npm test -- --project unit`).
 * The last line is `N passed, N failed`; a file that could not run and an error outside a test count as failures.
 */
import { parseCLI, startVitest, type Vitest } from 'vitest/node';

const { passed, failed } = await runTests().catch((error: unknown) => {
  console.error(error);
  return { passed: 0, failed: 1 };
});
// Written at once, and the process ended by hand: nothing that a test left open may hold the verdict back.
process.stdout.write(`\n${passed} passed, ${failed} failed\n`, () => process.exit(failed > 0 || passed === 0 ? 1 : 0));

async function runTests(): Promise<{ passed: number; failed: number }> {
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
  const vitest = await startVitest('test', filter, { ...options, watch: false });
  const patience = new Promise((resolve) => setTimeout(resolve, 60_000));
  await Promise.race([vitest.close(), patience]);
  return count(vitest);
}

function count({ state }: Vitest): { passed: number; failed: number } {
  let passed = 0;
  let failed = state.getUnhandledErrors().length;
  for (const module of state.getTestModules()) {
    const before = failed;
    for (const test of module.children.allTests()) {
      const result = test.result().state;
      if (result === 'passed') passed += 1;
      else if (result === 'failed') failed += 1;
    }
    if (module.state() === 'failed' && failed === before) failed += 1;
  }
  return { passed, failed };
}
