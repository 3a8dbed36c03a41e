import { defineConfig } from "vitest/config";

// Tests import the built code as "#src/...": worker threads need JavaScript files, so the code under test is the code that ships.
export default defineConfig({
  test: {
    include: ["test/{unit,rules,parity,e2e}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Against tests that hang, on however busy a machine: none takes a tenth of it on an idle one.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
