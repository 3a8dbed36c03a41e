// Runs a toy recipe in a process of its own, so that a test can kill it: node toy-run.mjs <recipe> [key=value...]
import { readFileSync } from "node:fs";
import { runPlan } from "#src/run/conductor.js";
import { parseSet, readYaml } from "#src/run/config-source.js";
import { resolvePlan } from "#src/run/recipe.js";
import { registry } from "./toy-registry.mjs";

const [recipe, ...sets] = process.argv.slice(2);
const stop = new AbortController();
process.on("SIGINT", () => stop.abort());
try {
  const plan = await resolvePlan(readYaml(readFileSync(recipe, "utf8"), recipe, sets.map(parseSet)), "toy", registry);
  await runPlan(plan, registry, { signal: stop.signal });
} catch (error) {
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.code === "interrupted" ? 130 : 1;
}
