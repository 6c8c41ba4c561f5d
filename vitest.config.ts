import { defineConfig } from 'vitest/config';

const common = { pool: 'forks', testTimeout: 120_000, setupFiles: 'test/fuzz.setup.ts' } as const;
/** Tests of time and memory by ratios of one run: they run alone, one file after another, when all others are through. */
const timing = 'test/**/*.timing.test.ts';

export default defineConfig({
  test: {
    globalSetup: 'test/setup.mjs',
    projects: [
      { test: { ...common, name: 'side by side', include: ['test/**/*.test.ts'], exclude: [timing], maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { test: { ...common, name: 'alone', include: [timing], maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
