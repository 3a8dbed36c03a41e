"""PyTorch's own error in every op, beside ours: both against the same f64 outputs, from the same inputs in the same precision.

    gpu-check --dump DIR, then    peer_errors.py DIR [--device cuda|cpu] [--json FILE]

DIR holds one folder a precision with cases.json and values.f64 (test/gpu/dump.h). An error is the norm of the difference over that of
the f64 values; those of one argument of an op are joined over all of its cases (root mean square, by elements), since a handful of
elements may be lucky. Ours may be 1.5 times PyTorch's; where PyTorch's is below one rounding of the argument's own format, 1.5 times
that rounding. Exit code 1 when one is larger.
"""

import argparse
import json
import os
import sys

import numpy
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
from philox import philox_words  # noqa: E402

BOUND = 1.5
FEWEST = 1000
TABLE = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# One rounding, as a root mean square over a binade, is about 0.3 of the spacing at 1.
ROUNDING = {torch.float32: 0.3 * 2**-23, torch.bfloat16: 0.3 * 2**-7, torch.float16: 0.3 * 2**-10}


class Case:
    """The arguments of a case as they were before the call, by name, in the formats they have there."""

    def __init__(self, case, values, dtype, device):
        self.dtype, self.device = dtype, device
        self.numbers, self.dropout = case["numbers"], case.get("dropout")
        self.before = {}
        for argument in case["arguments"]:
            kind = {"table": dtype, "wide": torch.float32, "f64": torch.float64, "i32": torch.int64, "i64": torch.int64}
            if argument["before"] is not None:
                array = part(values, argument["before"], argument["shape"])
                self.before[argument["name"]] = torch.from_numpy(array).to(device).to(kind[argument["type"]])

    def __getitem__(self, name):
        return self.before[name]

    def leaf(self, name):
        return self.before[name].detach().clone().requires_grad_()

    def mask(self, shape):
        """Factors 0 or 1 / (1 - p) of shape (samples, ...) in f32; ones without dropout."""
        d = self.dropout
        if d is None:
            return torch.ones(shape, device=self.device)
        size = int(numpy.prod(shape[1:]))
        elements = numpy.asarray(d["samples"][: shape[0]], dtype=numpy.uint64)[:, None] * numpy.uint64(size)
        elements = elements + numpy.arange(size, dtype=numpy.uint64)
        kept = self.kept(elements).reshape(shape)
        return torch.from_numpy(kept.astype(numpy.float32)).to(self.device) / (1.0 - d["p"])

    def kept(self, elements):
        d = self.dropout
        words = philox_words(int(d["seed"]), d["step"], d["layer"], d["site"], elements)
        return words >= numpy.uint32(int(float(numpy.float32(d["p"])) * 2**32))


def part(values, offset, shape):
    size = int(numpy.prod(shape))
    return values[offset : offset + size].reshape(shape).copy()


def wide_sum(case, name, gradient):
    """A gradient added into its fp32 accumulator, as autocast does it."""
    return case[name] + gradient.float()


def linear(case):
    x, w = case.leaf("x"), case.leaf("w")
    bias = case.leaf("bias") if case.numbers[3] else None
    y = F.linear(x, w, bias)
    y.backward(case["dy"])
    out = {"y": y, "dx": x.grad, "dx more": case["dx more"] + x.grad, "dw": wide_sum(case, "dw", w.grad)}
    return out | ({"dbias": wide_sum(case, "dbias", bias.grad)} if bias is not None else {})


def mlp(case, approximate):
    x, w1, bias = case.leaf("x"), case.leaf("w1"), case.leaf("bias")
    pre = F.linear(x, w1, bias)
    pre.retain_grad()
    y = F.gelu(pre, approximate=approximate)
    z = F.linear(y, case["w2"])
    z.backward(case["dz"])
    return {
        "pre": pre, "y": y, "y again": y, "z": z, "dpre": pre.grad, "dx": x.grad,
        "dw1": wide_sum(case, "dw1", w1.grad), "dbias": wide_sum(case, "dbias", bias.grad),
    }  # fmt: skip


def normed(case, x, gamma, beta):
    """y, mean and rstd of a LayerNorm over the last dimension."""
    y, mean, rstd = torch.native_layer_norm(x, [x.shape[-1]], gamma, beta, 1e-5)
    return y, mean.reshape(-1), rstd.reshape(-1)


def layernorm(case):
    x, gamma, beta = case.leaf("x"), case.leaf("gamma"), case.leaf("beta")
    y, mean, rstd = normed(case, x, gamma, beta)
    y.backward(case["dy"])
    return {
        "y": y, "mean": mean, "rstd": rstd, "dx": case["dx"] + x.grad,
        "dgamma": wide_sum(case, "dgamma", gamma.grad), "dbeta": wide_sum(case, "dbeta", beta.grad),
    }  # fmt: skip


def residual_layernorm(case):
    b, t, c, with_bias, with_norm = case.numbers[:5]
    mask = case.mask((b, t, c)).to(case.dtype)
    bias = case["bias"] if with_bias else torch.zeros_like(case["bias"])
    r = (case["residual"] + (case["x"] + bias) * mask).detach().requires_grad_()
    out = {"r": r}
    dr = case["dr"]
    if with_norm:
        gamma, beta = case.leaf("gamma"), case.leaf("beta")
        y, mean, rstd = normed(case, r, gamma, beta)
        y.backward(case["dy"])
        dr = dr + r.grad
        out |= {"y": y, "mean": mean, "rstd": rstd, "dr": dr}
        out |= {"dgamma": wide_sum(case, "dgamma", gamma.grad), "dbeta": wide_sum(case, "dbeta", beta.grad)}
    dx = dr * mask
    out["dx"] = dx
    return out | ({"dbias": wide_sum(case, "dbias", dx.sum((0, 1)))} if with_bias else {})


def attention(case, causal):
    b, t, heads, size, begin, total = case.numbers[:6]
    qkv = case.leaf("qkv")
    q, k, v = (x.view(b, t, heads, size).transpose(1, 2) for x in qkv.split(heads * size, dim=2))
    if case.dropout is None:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    else:
        samples = numpy.asarray(case.dropout["samples"][:b], dtype=numpy.uint64)
        head = samples[:, None] * numpy.uint64(total) + numpy.arange(begin, begin + heads, dtype=numpy.uint64)
        inside = numpy.arange(t * t, dtype=numpy.uint64).reshape(t, t)
        kept = case.kept(head[:, :, None, None] * numpy.uint64(t * t) + inside)
        # The library's own composition: the only one of its kernels that takes a mask.
        out, _ = torch.ops.aten._scaled_dot_product_attention_math(
            q, k, v, None, case.dropout["p"], causal, torch.from_numpy(kept).to(case.device)
        )
    out = out.transpose(1, 2).reshape(b, t, heads * size)
    out.backward(case["dout"])
    scores = (q @ k.transpose(2, 3)).float() / size**0.5
    if causal:
        scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool, device=case.device).triu(1), -torch.inf)
    return {"out": out, "dqkv": qkv.grad, "lse": scores.logsumexp(3)}


def embedding(case):
    b, t, c, rows, begin = case.numbers[:5]
    wte, wpe = case.leaf("wte"), case.leaf("wpe")
    local = case["tokens"] - begin
    owned = (local >= 0) & (local < rows)
    mask = case.mask((b, t, c)).to(case.dtype)
    x = (F.embedding(local.clamp(0, rows - 1), wte) * owned[..., None] + wpe[:t]) * mask
    x.backward(case["dx"])
    return {
        "x": x, "dx": case["dx"] * mask,
        "dwte": wide_sum(case, "dwte", wte.grad), "dwpe": wide_sum(case, "dwpe", wpe.grad),
    }  # fmt: skip


def cross_entropy(case):
    _, _, true_size = case.numbers[:3]
    logits = case.leaf("logits")
    loss = F.cross_entropy(logits[:, :true_size].float(), case["targets"], ignore_index=-1, reduction="none")
    (loss.sum() * case.numbers[3] / 1000).backward()
    wide = case["logits"][:, :true_size].float()
    maximum = wide.amax(1)
    at_target = wide.gather(1, case["targets"].clamp(min=0)[:, None])[:, 0] - maximum
    return {
        "loss": loss, "logits": logits.grad, "maximum": maximum, "sum_exp": (wide - maximum[:, None]).exp().sum(1),
        "target": torch.where(case["targets"] < 0, 0, at_target),
    }  # fmt: skip


def elementwise(case):
    return {
        "filled": torch.full_like(case["y"], 0.25), "y": case["y"] + case["x"],
        "larger": torch.maximum(case["larger"], case["x"]), "scaled": case["scaled"] * 1.7,
    }  # fmt: skip


def cast(case):
    narrow = case["wide"].to(case.dtype)
    return {"narrow": narrow, "wide again": narrow.float(), "copy": narrow}


def adamw(case):
    master = case.leaf("master")
    master.grad = case["grad"] * 0.5
    optimizer = torch.optim.AdamW([master], lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1, foreach=False)
    # The step is counted up first.
    state = {"step": torch.tensor(float(case.numbers[1] - 1)), "exp_avg": case["m"], "exp_avg_sq": case["v"]}
    optimizer.state[master] = state
    optimizer.step()
    return {"master": master, "m": state["exp_avg"], "v": state["exp_avg_sq"], "value": master.to(case.dtype)}


PEERS = {
    "linear": linear,
    "mlp gelu tanh": lambda case: mlp(case, "tanh"),
    "mlp gelu erf": lambda case: mlp(case, "none"),
    "layernorm": layernorm,
    "residual layernorm": residual_layernorm,
    "attention causal": lambda case: attention(case, True),
    "attention full": lambda case: attention(case, False),
    "embedding": embedding,
    "cross entropy": cross_entropy,
    "fill add maximum scale": elementwise,
    "fill add maximum scale of wide tensors": elementwise,
    "cast": cast,
    "adamw": adamw,
}


def error_of(expected, actual):
    finite = numpy.isfinite(expected)
    if not numpy.array_equal(finite, numpy.isfinite(actual)):
        return float("inf")
    norm = numpy.linalg.norm(expected[finite])
    difference = numpy.linalg.norm(expected[finite] - actual[finite])
    return float(difference / norm) if norm > 0 else float(difference)


def compare_case(case, values, dtype, device):
    """One row an argument that PyTorch has too; None where it has no such op."""
    peer = PEERS.get(case["op"])
    if peer is None:
        return None
    theirs = peer(Case(case, values, dtype, device))
    rows = []
    for argument in case["arguments"]:
        if argument["name"] not in theirs or argument["expected"] is None:
            continue
        expected, actual = (part(values, argument[key], argument["shape"]) for key in ("expected", "actual"))
        other = theirs[argument["name"]].detach().double().cpu().numpy().reshape(argument["shape"])
        errors = {"ours": error_of(expected, actual), "theirs": error_of(expected, other)}
        kind = dtype if argument["type"] == "table" else torch.float32
        names = {"case": case["name"], "op": case["op"], "argument": argument["name"]}
        rows.append(names | errors | {"elements": int(expected.size), "rounding": ROUNDING[kind]})
    return rows


def compare_folder(folder, device):
    with open(os.path.join(folder, "cases.json")) as file:
        index = json.load(file)
    values = numpy.fromfile(os.path.join(folder, "values.f64"), dtype="<f8")
    results, without = [], set()
    for case in index["cases"]:
        rows = compare_case(case, values, TABLE[index["precision"]], device)
        if rows is None:
            without.add(case["op"])
        else:
            results += [{"precision": index["precision"]} | row for row in rows]
    return results, without


def joined(rows):
    """One row for each argument of each op, over its cases."""
    groups = {}
    for row in rows:
        groups.setdefault((row["precision"], row["op"], row["argument"]), []).append(row)
    results = []
    for (precision, op, argument), group in groups.items():
        elements = sum(row["elements"] for row in group)
        mean = {
            side: (sum(row["elements"] * row[side] ** 2 for row in group) / elements) ** 0.5 for side in ("ours", "theirs")
        }
        bound = BOUND * max(mean["theirs"], group[0]["rounding"])
        # Of a few elements an error is luck; it is shown and not judged.
        ok = mean["ours"] <= bound or (elements < FEWEST and numpy.isfinite(mean["ours"]))
        names = {"precision": precision, "op": op, "argument": argument, "cases": len(group), "elements": elements}
        results.append(names | mean | {"bound": bound, "ok": bool(ok)})
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_float32_matmul_precision("highest")
    # Sums of 16-bit products in fp32 throughout, as ours.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False

    results, without = [], set()
    for precision in TABLE:
        folder = os.path.join(options.dir, precision)
        if os.path.isdir(folder):
            rows, missing = compare_folder(folder, options.device)
            results, without = results + rows, without | missing
    if not results:
        sys.exit(f"expected folders of `gpu-check --dump` in {options.dir}, got none")

    summary = sorted(joined(results), key=lambda row: row["ours"] / row["bound"], reverse=True)
    print(f"{'precision':10}{'op':40}{'argument':12}{'elements':>10}{'ours':>10}{'theirs':>10}{'ratio':>8}")
    for row in summary:
        ratio = row["ours"] / row["theirs"] if row["theirs"] > 0 else float("nan")
        mark = "" if row["ok"] else "  too large"
        print(
            f"{row['precision']:10}{row['op']:40}{row['argument']:12}{row['elements']:10}{row['ours']:10.2e}"
            f"{row['theirs']:10.2e}{ratio:8.2f}{mark}"
        )
    failed = [row for row in summary if not row["ok"]]
    print(f"{len(summary)} arguments of {len(results)} cases on {options.device}, {len(failed)} with too large an error")
    if without:
        print(f"ops that PyTorch has no like of: {', '.join(sorted(without))}")
    if options.json:
        with open(options.json, "w") as file:
            report = {"device": options.device, "torch": torch.__version__, "summary": summary, "cases": results}
            json.dump(report, file, indent=1)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
