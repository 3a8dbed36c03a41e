"""train-bench beside PyTorch on one card: alternating blocks of whole steps, the ratio and its spread, and a row for docs/gpu.json.

    compare.py BUILD_DIR --model gpt2-1.2b --dropout 0 --blocks 3 --seconds 20 --out DIR [--record docs/gpu.json]

train-bench runs anew in each block; PyTorch compiles once, stays, and moves its weights to the processor's memory while it waits,
since both together do not fit on a card. A block is at least that many seconds of whole steps; what warms up is not counted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--model", default="gpt2-1.2b")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--seq", type=int, default=1024)
    parser.add_argument("--tokens-per-step", type=int, default=524_288)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--product", type=int, default=8192, help="size of the products measured in the same run; 0: none")
    parser.add_argument("--eager", action="store_true", help="PyTorch without torch.compile")
    parser.add_argument("--out", required=True)
    parser.add_argument("--record", help="append the row to this list")
    return parser.parse_args()


def shared_options(o):
    return [
        "--model", o.model, "--device", o.device, "--precision", o.precision, "--micro-batch", str(o.micro_batch),
        "--seq", str(o.seq), "--tokens-per-step", str(o.tokens_per_step), "--dropout", str(o.dropout),
    ]  # fmt: skip


class PyTorch:
    def __init__(self, o):
        command = [sys.executable, os.path.join(HERE, "pytorch_train.py"), *shared_options(o), "--serve"]
        self.process = subprocess.Popen(
            command + (["--eager"] if o.eager else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def block(self, seconds):
        self.process.stdin.write(f"block {seconds}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("expected a line of pytorch_train.py, got its end")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run_ours(o, index, first):
    path = os.path.join(o.out, f"train-bench-{index}.json")
    command = [os.path.join(o.build, "train-bench"), *shared_options(o), "--seconds", str(o.seconds), "--json", path]
    if first:
        command += ["--profile", "1", "--product", str(o.product)]
    with open(os.path.join(o.out, f"train-bench-{index}.log"), "w") as log:
        status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode
    if status != 0:
        with open(log.name) as text:
            sys.exit(f"train-bench ended with {status}:\n{text.read()[-2000:]}")
    with open(path) as file:
        return json.load(file)


def rate(blocks):
    """Median tokens a second over all steps of all blocks."""
    return blocks[0]["tokens_per_step"] / statistics.median(s for block in blocks for s in block["step_seconds"])


def spread(blocks):
    """Of the steps: quartile distance over median, in per cent."""
    seconds = sorted(s for block in blocks for s in block["step_seconds"])
    if len(seconds) < 4:
        return float("nan")
    low, middle, high = statistics.quantiles(seconds, n=4)
    return 100 * (high - low) / middle


def main():
    o = parse_arguments()
    os.makedirs(o.out, exist_ok=True)
    begin = time.monotonic()
    peer = PyTorch(o)
    ours, theirs = [], []
    for index in range(o.blocks):
        # In turn, and neither always first: a card that warms up slows what comes later.
        sides = ["theirs", "ours"] if index % 2 == 0 else ["ours", "theirs"]
        for side in sides:
            if side == "ours":
                ours.append(run_ours(o, index, index == 0))
            else:
                theirs.append(peer.block(o.seconds))
            print(f"{time.monotonic() - begin:6.0f} s  block {index + 1} of {o.blocks}: {side}", flush=True)
    peer.close()

    ratios = [
        statistics.median(b["step_seconds"]) / statistics.median(a["step_seconds"]) for a, b in zip(ours, theirs)
    ]
    scale = rate(ours) / ours[0]["tokens_per_s"]
    row = {
        "card": ours[0]["card"],
        "date": ours[0]["date"],
        "model": o.model,
        "dropout": o.dropout,
        "tokens_per_step": o.tokens_per_step,
        "tokens_per_s": round(rate(ours), 1),
        "mfu_causal": round(ours[0]["mfu_causal"] * scale, 4),
        "mfu_full": round(ours[0]["mfu_full"] * scale, 4),
        "pytorch_tokens_per_s": round(rate(theirs), 1),
    }
    steps = sum(len(block["step_seconds"]) for block in ours)
    report = {
        "row": row,
        "ratio": rate(ours) / rate(theirs),
        "ratios_of_blocks": ratios,
        "steps": steps,
        "micro_steps": steps * ours[0]["micro_batches"],
        "spread_percent": {"ours": spread(ours), "theirs": spread(theirs)},
        "driver": ours[0]["driver"],
        "torch": theirs[0]["torch"],
        "compiled": theirs[0]["compiled"],
        "product_flops_per_s": ours[0]["product_flops_per_s"],
        "share_of_product_causal": ours[0]["flops_per_s_causal"] * scale / ours[0]["product_flops_per_s"]
        if ours[0]["product_flops_per_s"] > 0
        else None,
        "memory": {key: ours[0][key] for key in ("planned_bytes", "card_bytes")},
        "pytorch_peak_bytes": theirs[0]["peak_bytes"],
        "card_state": {key: ours[-1][key] for key in ("sm_mhz", "memory_mhz", "watts", "celsius")},
        "seconds": time.monotonic() - begin,
    }
    with open(os.path.join(o.out, "compare.json"), "w") as file:
        json.dump(report, file, indent=1)
    if o.record:
        rows = []
        if os.path.exists(o.record):
            with open(o.record) as file:
                rows = json.load(file)
        with open(o.record, "w") as file:
            file.write("[\n" + ",\n".join(f"  {json.dumps(one)}" for one in [*rows, row]) + "\n]\n")
    print(json.dumps(report, indent=1))
    listed = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"millrace {rate(ours):,.0f} tokens/s, PyTorch {rate(theirs):,.0f}: {report['ratio']:.3f} times (blocks: {listed})")


if __name__ == "__main__":
    main()
