import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // `npm run test:all`; `npm test` leaves out test/proof and test/e2e.
    include: ['test/**/*.test.ts'],
    expect: { requireAssertions: true },
    globalSetup: 'test/support/build-cli.ts',
    // Many tests wait for child processes, loopback servers, and schedules of the emulator, so three at once help even on
    // two cores.
    maxWorkers: 3,
    // Files share a worker and what it has loaded, which halves the CPU time. What a test changes of a process it puts back.
    isolate: false,
    setupFiles: 'test/support/undici-clock.ts',
    unstubEnvs: true,
    testTimeout: 600_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    // Published as ES modules that only a bundler resolves.
    server: { deps: { inline: ['dt-sql-parser'] } },
  },
});
