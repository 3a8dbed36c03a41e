"""Prints, for a file of measure-gradients.mjs, how far its gradients are from PyTorch's fp64 and how far PyTorch's fp32 is:
largest difference over largest value, by kind of tensor the worst layer."""

import json
import re
import sys

import torch
from safetensors import safe_open

from gpt2_model import Shape, gradients_of
from philox import Masks


def main():
    with safe_open(sys.argv[1], "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    size = json.loads(about["shape"])
    shape = Shape(
        size["numLayers"],
        size["hiddenSize"],
        size["numHeads"],
        size["contextLength"],
        size["vocabSize"],
        size["time"],
        size["batch"],
    )
    tokens = tensors["tokens"].long()
    dropout = float(about["dropout"])
    masks = Masks(dropout, int(about["seed"]), 1, range(shape.batch)) if dropout else None

    def run(dtype):
        parameters = {
            name.removeprefix("parameter."): value.to(dtype).requires_grad_()
            for name, value in tensors.items()
            if name.startswith("parameter.")
        }
        return gradients_of(parameters, tokens, shape, masks)

    loss_64, exact = run(torch.float64)
    loss_32, theirs = run(torch.float32)
    worst = {}
    for name, gradient in exact.items():
        scale = gradient.abs().max()
        ours = ((tensors["gradient." + name].double() - gradient).abs().max() / scale).item()
        torch_error = ((theirs[name].double() - gradient).abs().max() / scale).item()
        kind = re.sub(r"^h\.\d+\.", "h.L.", name)
        if kind not in worst or ours / torch_error > worst[kind][0] / worst[kind][1]:
            worst[kind] = (ours, torch_error)
    loss = float(about["loss"])
    print(f"dropout {dropout}: loss {loss_64.item():.6f}, relative error {abs(loss / loss_64.item() - 1):.1e} "
          f"(PyTorch fp32 {abs(loss_32.item() / loss_64.item() - 1):.1e})")
    print("| tensor | Millrace | PyTorch fp32 | ratio |\n|---|---|---|---|")
    for kind, (ours, torch_error) in worst.items():
        print(f"| `{kind}` | {ours:.1e} | {torch_error:.1e} | {ours / torch_error:.2f} |")


main()
