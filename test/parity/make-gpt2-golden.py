"""Writes golden-gpt2.safetensors: losses, gradients and a curve of AdamW of two small GPT-2 models in PyTorch fp64, without
dropout and with the trainer's masks, and how far PyTorch's own fp32 is from them (native reader: gpt2_golden_test.cc).

Run with a Python that has torch, numpy and safetensors: python test/parity/make-gpt2-golden.py
"""

import pathlib

import torch
from safetensors.torch import save_file

from gpt2_model import Shape, adamw, formula_batch, formula_parameters, formula_samples, gradients_of
from philox import Masks

SHAPES = {
    # Nothing is a multiple of anything: 15 channels, heads of 5, 61 ids, 11 of 13 positions.
    "odd": Shape(layers=2, channels=15, heads=3, context=13, vocab=61, time=11, batch=3),
    "even": Shape(layers=1, channels=16, heads=4, context=9, vocab=50, time=9, batch=4, gelu="none"),
    # 549 rows at once: sums over rows must not lose more than PyTorch's.
    "long": Shape(layers=1, channels=10, heads=2, context=64, vocab=37, time=61, batch=9),
}
DROPOUT, SEED = 0.1, 7
STEPS, LEARNING_RATE, WEIGHT_DECAY, CLIP = 20, 1e-2, 0.1, 1.0


def masks_of(shape, step, dropout):
    return Masks(dropout, SEED, step, formula_samples(shape, step)) if dropout else None


def error_of(values, exact):
    return ((values.double() - exact).abs().max() / exact.abs().max()).reshape(1)


def gradient_case(golden, prefix, shape, dropout):
    batch, masks = formula_batch(shape, 1), masks_of(shape, 1, dropout)
    loss, gradients = gradients_of(formula_parameters(shape), batch, shape, masks)
    loss_32, gradients_32 = gradients_of(formula_parameters(shape, torch.float32), batch, shape, masks)
    golden[f"{prefix}.loss"] = loss.reshape(1)
    golden[f"{prefix}.torch_error.loss"] = error_of(loss_32, loss)
    for name, gradient in gradients.items():
        golden[f"{prefix}.gradient.{name}"] = gradient
        golden[f"{prefix}.torch_error.{name}"] = error_of(gradients_32[name], gradient)


def curve_case(golden, prefix, shape, dropout):
    parameters = formula_parameters(shape)
    optimizer = adamw(parameters, LEARNING_RATE, WEIGHT_DECAY)
    losses, norms = [], []
    for step in range(1, STEPS + 1):
        loss, gradients = gradients_of(parameters, formula_batch(shape, step), shape, masks_of(shape, step, dropout))
        for name, value in parameters.items():
            value.grad = gradients[name]
        norms.append(torch.nn.utils.clip_grad_norm_(list(parameters.values()), CLIP).item())
        losses.append(loss.item())
        optimizer.step()
    golden[f"{prefix}.losses"] = torch.tensor(losses, dtype=torch.float64)
    golden[f"{prefix}.norms"] = torch.tensor(norms, dtype=torch.float64)


def main():
    torch.set_num_threads(1)
    golden = {}
    for name, shape in SHAPES.items():
        for dropout, kind in [(0.0, "plain"), (DROPOUT, "dropout")]:
            gradient_case(golden, f"{name}.{kind}", shape, dropout)
            curve_case(golden, f"{name}.{kind}", shape, dropout)
    path = pathlib.Path(__file__).with_name("golden-gpt2.safetensors")
    save_file(golden, path, metadata={"torch": torch.__version__})
    path.chmod(0o644)
    worst = max(value.item() for name, value in golden.items() if ".torch_error." in name)
    print(f"{path}: {path.stat().st_size} bytes; PyTorch's fp32 is at most {worst:.1e} from its fp64")


main()
