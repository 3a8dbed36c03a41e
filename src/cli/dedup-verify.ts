// `millrace dedup verify DIR`: recomputes a finished dedup by a second implementation and says which of its laws hold.
import type { VerifyResult } from "../audit/verify.js";
import { formatBytes, formatSeconds } from "../run/progress.js";
import { type Command, InvalidArgumentError } from "./command-line.js";
import { EXIT_FAILED } from "./exit.js";
import { Terminal } from "./terminal.js";

interface VerifyCommandOptions {
  readonly show?: number;
  readonly json?: boolean;
}

export function addDedupVerifyCommand(parent: Command): void {
  parent
    .command("verify")
    .argument("<dir>", "folder of a finished dedup")
    .description(
      "recompute a finished dedup from its inputs by a second implementation, on strings; exit 1 if a law is broken",
    )
    .option("--show <n>", "list so many violations of each law (default: 5)", wholeNumber)
    .option("--json", "print the result as JSON")
    .action(run);
}

async function run(dir: string, { show, json }: VerifyCommandOptions): Promise<void> {
  const { verifyDedup } = await import("../audit/verify.js");
  const terminal = new Terminal(process.stderr);
  let result: VerifyResult;
  try {
    result = await verifyDedup({
      dir,
      limit: show,
      onProgress: ({ phase, done, total, unit }) =>
        terminal.handle({ type: "progress", progress: { stage: "verify", phase, done, total, unit, resumed: 0 } }),
    });
  } finally {
    terminal.clear();
  }
  process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : textOf(result));
  if (result.violations > 0) process.exitCode = EXIT_FAILED;
}

function textOf(result: VerifyResult): string {
  const { records, kept, removed, rejected, compared, undecided, exact, bytes, seconds, violations, laws } = result;
  const number = (value: number): string => value.toLocaleString("en-US");
  const lines = [
    `${number(records)} records: ${number(kept)} kept, ${number(removed)} removed, ${number(rejected)} rejected`,
    `${number(compared)} removed documents compared with their witnesses`,
  ];
  if (undecided > 0)
    lines.push(
      `${number(undecided)} not: their texts have characters unknown to Unicode ${result.unicode} of this Node.js`,
    );
  if (exact !== undefined) {
    const which = exact.sampled ? "a sample of" : "all";
    lines.push(
      `${number(exact.probed)} kept documents compared with ${which} ${number(exact.indexedKept)} kept and ` +
        `${number(exact.indexedRemoved)} removed ones`,
    );
  }
  for (const { law, says, violations: broken, first } of laws) {
    lines.push(`${broken === 0 ? "ok  " : "BAD "} ${law.padEnd(14)} ${says}`);
    if (broken > 0) lines.push(...first.map((what) => `       ${what}`));
    if (broken > first.length) lines.push(`       and ${number(broken - first.length)} more`);
  }
  const rate = `${formatBytes(bytes / seconds)}/s`;
  lines.push(
    violations === 0
      ? `verified: every law holds; ${formatBytes(bytes)} in ${formatSeconds(seconds)}, ${rate}`
      : `${number(violations)} violations; ${formatBytes(bytes)} in ${formatSeconds(seconds)}, ${rate}`,
  );
  return `${lines.join("\n")}\n`;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("expected a whole number of at least 0");
  }
  return value;
}
