// `millrace dedup compare DIR_A DIR_B`: the documents that two finished dedups decided differently, and why.
import type { ComparedOutput, Comparison } from "../audit/compare.js";
import type { Decision, Difference } from "../audit/trace.js";
import type { Command } from "./command-line.js";
import { EXIT_FAILED } from "./exit.js";
import { Terminal } from "./terminal.js";

export function addDedupCompareCommand(parent: Command): void {
  parent
    .command("compare")
    .argument("<dir-a>", "folder of a finished dedup")
    .argument("<dir-b>", "folder of another over the same inputs: by another engine, with other bands, exact or not")
    .description(
      "list the documents that two dedups decided differently, each traced to a pair that one missed; exit 1 if one cannot be",
    )
    .option("--json", "print the result as JSON")
    .action(run);
}

async function run(dirA: string, dirB: string, { json }: { json?: boolean }): Promise<void> {
  const { compareDedups } = await import("../audit/compare.js");
  const terminal = new Terminal(process.stderr);
  let result: Comparison;
  try {
    result = await compareDedups({
      dirA,
      dirB,
      onProgress: (done, total) => {
        const progress = { stage: "compare", phase: "records", done, total, unit: "bytes", resumed: 0 };
        terminal.handle({ type: "progress", progress });
      },
    });
  } finally {
    terminal.clear();
  }
  process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : textOf(result));
  const broken = result.numUntraceable + result.a.violations.length + result.b.violations.length;
  if (broken > 0) process.exitCode = EXIT_FAILED;
}

const number = (value: number): string => value.toLocaleString("en-US");

function textOf({ a, b, documents, differences, numTraced, numUntraceable, missedPairs }: Comparison): string {
  const lines = [outputLine("A", a), outputLine("B", b), ...differences.flatMap(linesOf)];
  if (differences.length === 0) {
    lines.push(`A and B decide alike on all ${number(documents)} documents`);
  } else {
    const pairs = `A missed ${number(missedPairs.a)} pairs, B ${number(missedPairs.b)}`;
    lines.push(
      `${number(differences.length)} of ${number(documents)} documents are decided differently: ` +
        `${number(numTraced)} because of missed pairs (${pairs}), ${number(numUntraceable)} for no reason that could be found`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function outputLine(name: string, { dir, engine, exact, kept, removed, rejected, violations }: ComparedOutput): string {
  const how = `engine ${engine}${exact ? ", exact" : ""}`;
  const counts = `${number(kept)} kept, ${number(removed)} removed, ${number(rejected)} rejected`;
  return [`${name}: ${dir} (${how}): ${counts}`, ...violations.map((what) => `  BAD ${what}`)].join("\n");
}

function linesOf({ id, a, b, via, missed, untraceable }: Difference): string[] {
  const lines = [`${JSON.stringify(id)}: ${sentence("A", a)}; ${sentence("B", b)}`];
  if (via.length > 0) lines.push(`  by way of ${via.map((one) => JSON.stringify(one)).join(", ")}`);
  if (missed === undefined) return [...lines, `  UNTRACEABLE: ${untraceable}`];
  const { by, id: document, kept, jaccard, intersection, union } = missed;
  const pair = `${JSON.stringify(document)} and ${JSON.stringify(kept)}`;
  const common = `${intersection} of ${union} shingles in common, ${jaccard.toFixed(4)}`;
  const wouldBe = `it would have removed ${JSON.stringify(document)} for ${JSON.stringify(kept)}`;
  return [...lines, `  ${by.toUpperCase()} missed the pair ${pair} (${common}): ${wouldBe}`];
}

function sentence(name: string, decision: Decision): string {
  if (decision.fate === "kept") return `${name} kept it`;
  if (decision.fate === "lost") return `${name} neither kept nor removed it`;
  return `${name} removed it for ${JSON.stringify(decision.kept)} (${decision.jaccard.toFixed(4)})`;
}
