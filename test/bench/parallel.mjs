// What tensor parallelism changes in the numbers, and what it costs to verify that nothing else does.
import { run } from "./compare.mjs";

const LINE =
  /^TP (\d+): a verified step takes ([\d.]+) times an ordinary one \(quartiles ([\d.]+) to ([\d.]+)\)(?:;[^;]*; in another order of sums the loss differs by (\S+)|; ordinary: loss differs from TP 1 by (\S+); verified: (.+))$/;

function measure(title, args) {
  console.log(`\n${title}`);
  const rows = [];
  for (const line of run("build/release/parallel-bench", args.map(String)).trim().split("\n")) {
    console.log(`  ${line}`);
    const found = line.match(LINE);
    if (found === null) continue; // the number of ranks that the heads do not allow
    const [, tp, ratio, low, high, itself, others, verified] = found;
    rows.push({
      tp: Number(tp),
      "verified / ordinary": { min: Number(low), median: Number(ratio), max: Number(high) },
      ...(itself === undefined
        ? { "loss, from TP 1": Number(others), verified }
        : { "loss, from itself": Number(itself) }),
    });
  }
  return { title, unit: "ratio of step times", rows };
}

export function parallel() {
  return [
    measure("tiny, 100 steps of 512 tokens, learning rate 1.5e-4", ["--model", "tiny", "--steps", 100]),
    measure("tiny, 100 steps of 512 tokens, learning rate 1e-3", ["--model", "tiny", "--steps", 100, "--lr", 1e-3]),
    measure("gpt2-124m, 5 steps of 256 tokens", [
      ...["--model", "gpt2-124m", "--steps", 5],
      ...["--batch", 1, "--micro-batch", 1, "--seq", 256],
    ]),
  ];
}
