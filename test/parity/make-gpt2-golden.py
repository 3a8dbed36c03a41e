"""Writes golden-gpt2.safetensors: loss, gradients and a short AdamW curve of a small GPT-2 in PyTorch fp64.

Run with a Python that has torch and safetensors: python test/parity/make-gpt2-golden.py
Nothing random is used: weights and tokens follow formulas of whole numbers that the C++ test computes alike
(test/native/gpt2_golden_test.cc), exact in float32.
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

LAYERS, CHANNELS, HEADS, CONTEXT, VOCAB = 2, 16, 2, 8, 50
BATCH, STEPS = 4, 20
LEARNING_RATE, WEIGHT_DECAY, CLIP = 1e-2, 0.1, 1.0
EPSILON = 1e-5


def parameter_table():
    """(name, shape) in the order of the trainer's table."""
    table = [("wte.weight", (VOCAB, CHANNELS)), ("wpe.weight", (CONTEXT, CHANNELS))]
    for layer in range(LAYERS):
        for name, shape in [
            ("ln_1.weight", (CHANNELS,)),
            ("ln_1.bias", (CHANNELS,)),
            ("attn.qkv.weight", (3 * CHANNELS, CHANNELS)),
            ("attn.qkv.bias", (3 * CHANNELS,)),
            ("attn.out.weight", (CHANNELS, CHANNELS)),
            ("attn.out.bias", (CHANNELS,)),
            ("ln_2.weight", (CHANNELS,)),
            ("ln_2.bias", (CHANNELS,)),
            ("mlp.up.weight", (4 * CHANNELS, CHANNELS)),
            ("mlp.up.bias", (4 * CHANNELS,)),
            ("mlp.down.weight", (CHANNELS, 4 * CHANNELS)),
            ("mlp.down.bias", (CHANNELS,)),
        ]:
            table.append((f"h.{layer}.{name}", shape))
    return table + [("ln_f.weight", (CHANNELS,)), ("ln_f.bias", (CHANNELS,))]


def initial_parameters():
    parameters = {}
    for number, (name, shape) in enumerate(parameter_table()):
        element = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
        value = ((element * 7919 + number * 104729 + 12345) % 2003 - 1001).double() / 4096
        if "ln_" in name and name.endswith("weight"):
            value = 1 + value
        parameters[name] = value.reshape(shape).requires_grad_()
    return parameters


def batch(step):
    element = torch.arange(BATCH * (CONTEXT + 1), dtype=torch.int64)
    return ((element * element * 3 + element * 31 + step * 17) % VOCAB).reshape(BATCH, CONTEXT + 1)


def loss_of(p, tokens, gelu):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    x = p["wte.weight"][inputs] + p["wpe.weight"][: inputs.shape[1]]
    for layer in range(LAYERS):
        def get(name):
            return p[f"h.{layer}.{name}"]

        y = F.layer_norm(x, (CHANNELS,), get("ln_1.weight"), get("ln_1.bias"), EPSILON)
        q, k, v = F.linear(y, get("attn.qkv.weight"), get("attn.qkv.bias")).split(CHANNELS, dim=2)
        q, k, v = (t.unflatten(2, (HEADS, CHANNELS // HEADS)).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + F.linear(y, get("attn.out.weight"), get("attn.out.bias"))
        y = F.layer_norm(x, (CHANNELS,), get("ln_2.weight"), get("ln_2.bias"), EPSILON)
        y = F.gelu(F.linear(y, get("mlp.up.weight"), get("mlp.up.bias")), approximate=gelu)
        x = x + F.linear(y, get("mlp.down.weight"), get("mlp.down.bias"))
    x = F.layer_norm(x, (CHANNELS,), p["ln_f.weight"], p["ln_f.bias"], EPSILON)
    logits = F.linear(x, p["wte.weight"])
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main():
    golden = {}
    parameters = initial_parameters()
    loss = loss_of(parameters, batch(1), "tanh")
    loss.backward()
    golden["loss"] = loss.detach().reshape(1)
    golden["loss_erf"] = loss_of(parameters, batch(1), "none").detach().reshape(1)
    for name, value in parameters.items():
        golden["gradient." + name] = value.grad.clone()

    parameters = initial_parameters()
    decayed = [value for value in parameters.values() if value.dim() == 2]
    plain = [value for value in parameters.values() if value.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.999),
        eps=1e-8,
    )
    losses, norms = [], []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = loss_of(parameters, batch(step), "tanh")
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(list(parameters.values()), CLIP).item())
        losses.append(loss.item())
        optimizer.step()
    golden["losses"] = torch.tensor(losses, dtype=torch.float64)
    golden["norms"] = torch.tensor(norms, dtype=torch.float64)

    path = pathlib.Path(__file__).with_name("golden-gpt2.safetensors")
    save_file(golden, path, metadata={"torch": torch.__version__})
    print(f"{path}: loss {golden['loss'].item():.6f}, last {losses[-1]:.6f}, {path.stat().st_size} bytes")


main()
