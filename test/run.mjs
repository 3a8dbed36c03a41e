// The whole test suite as one command: vitest (unit, rules, parity, e2e) and the native tests under ctest. Prints each
// tool's own output and closes with one line, `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = join(root, "build", "test-results");
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

let passed = 0;
let failed = 0;

function run(command, args, environment = {}) {
  const child = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...environment } });
  return child.status ?? 1;
}

// Native: one executable a file; each writes the counts of its cases. An executable that dies writes none and fails ctest.
const ctestStatus = run("ctest", ["--test-dir", "build/release", "--output-on-failure", "--no-tests=error"], {
  GTEST_OUTPUT: `xml:${results}/`,
  GTEST_BRIEF: "1",
});
for (const file of readdirSync(results).filter((name) => name.endsWith(".xml"))) {
  const head = readFileSync(join(results, file), "utf8").match(
    /<testsuites tests="(\d+)" failures="(\d+)".*?errors="(\d+)"/,
  );
  if (head === null) continue;
  const bad = Number(head[2]) + Number(head[3]);
  failed += bad;
  passed += Number(head[1]) - bad;
}
if (ctestStatus !== 0 && failed === 0) failed += 1;

const report = join(results, "vitest.json");
const vitestStatus = run("npx", [
  "vitest",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
if (existsSync(report)) {
  const summary = JSON.parse(readFileSync(report, "utf8"));
  passed += summary.numPassedTests;
  failed += summary.numFailedTests;
  if (vitestStatus !== 0 && summary.numFailedTests === 0) failed += 1;
} else {
  failed += 1;
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
