// Tokens a second of training, beside PyTorch on the same shapes.
import { compare, hasPeer, median, python, run, threads } from "./compare.mjs";

function trainOurs(tp, model, batch, sequence, steps) {
  const args = ["--tp", tp, "--threads", threads, "--model", model, "--batch", batch, "--micro-batch", batch];
  const output = run("build/release/train-bench", [...args, "--seq", sequence, "--steps", steps].map(String));
  return Number(output.match(/median[^\n]*?([\d.]+) tokens\/s/)[1]);
}

function trainTorch(mode, [layers, hidden, heads], batch, sequence, steps) {
  const args = [layers, hidden, heads, sequence, 50257, batch, steps, threads, 0.1, mode].map(String);
  const { seconds, tokens } = JSON.parse(run(python, ["test/bench/train_peer.py", ...args]));
  return tokens / median(seconds);
}

export function training() {
  const ours = {
    "millrace tp 1": () => trainOurs(1, "tiny", 4, 128, 10),
    "millrace tp 2": () => trainOurs(2, "tiny", 4, 128, 10),
  };
  const torch = hasPeer("torch") ? { "PyTorch eager": () => trainTorch("eager", [4, 128, 8], 4, 128, 8) } : {};
  const tiny = compare(`training tiny, 4 x 128 tokens a step, fp32, ${threads} threads`, "tokens/s", {
    ...ours,
    ...torch,
  });
  const large = compare(`training gpt2-124m, 4 x 256 tokens a step, fp32, ${threads} threads`, "tokens/s", {
    "millrace tp 1": () => trainOurs(1, "gpt2-124m", 4, 256, 2),
    "millrace tp 2": () => trainOurs(2, "gpt2-124m", 4, 256, 2),
    ...(hasPeer("torch") ? { "PyTorch eager": () => trainTorch("eager", [12, 768, 12], 4, 256, 2) } : {}),
  });
  return [tiny, large];
}
