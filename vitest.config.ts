import { defineConfig } from "vitest/config";

// Tests import the built code as "#src/...": worker threads need JavaScript files, so the code under test is the code that ships.
export default defineConfig({
  test: {
    include: ["test/{unit,rules,parity,e2e}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
