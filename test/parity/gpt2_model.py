"""GPT-2 in plain PyTorch, the trainer's table of parameters by its names, for the goldens of this folder.

Weights and tokens of the small models follow formulas of whole numbers that the C++ tests compute alike, exact in
float32. Dropout is by masks that are given (philox.py)."""

import dataclasses
import math

import torch
import torch.nn.functional as F

import philox

EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class Shape:
    layers: int
    channels: int
    heads: int
    context: int
    vocab: int
    time: int
    batch: int
    gelu: str = "tanh"


def parameter_table(shape):
    """(name, shape) in the order of the trainer's table."""
    channels = shape.channels
    table = [("wte.weight", (shape.vocab, channels)), ("wpe.weight", (shape.context, channels))]
    for layer in range(shape.layers):
        for name, size in [
            ("ln_1.weight", (channels,)),
            ("ln_1.bias", (channels,)),
            ("attn.qkv.weight", (3 * channels, channels)),
            ("attn.qkv.bias", (3 * channels,)),
            ("attn.out.weight", (channels, channels)),
            ("attn.out.bias", (channels,)),
            ("ln_2.weight", (channels,)),
            ("ln_2.bias", (channels,)),
            ("mlp.up.weight", (4 * channels, channels)),
            ("mlp.up.bias", (4 * channels,)),
            ("mlp.down.weight", (channels, 4 * channels)),
            ("mlp.down.bias", (channels,)),
        ]:
            table.append((f"h.{layer}.{name}", size))
    return table + [("ln_f.weight", (channels,)), ("ln_f.bias", (channels,))]


def formula_parameters(shape, dtype=torch.float64):
    parameters = {}
    for number, (name, size) in enumerate(parameter_table(shape)):
        element = torch.arange(math.prod(size), dtype=torch.int64)
        value = ((element * 7919 + number * 104729 + 12345) % 2003 - 1001).to(dtype) / 4096
        if "ln_" in name and name.endswith("weight"):
            value = 1 + value
        parameters[name] = value.reshape(size).requires_grad_()
    return parameters


def initial_parameters(shape, seed, std=0.02, dtype=torch.float64):
    """The trainer's own initial values: normal, the two projections into the residual stream by 1 / sqrt(2 * layers)."""
    parameters = {}
    for number, (name, size) in enumerate(parameter_table(shape)):
        if len(size) == 1:
            value = torch.full(size, 1.0 if "ln_" in name and name.endswith("weight") else 0.0)
        else:
            last = name.endswith(("attn.out.weight", "mlp.down.weight"))
            spread = std / math.sqrt(2.0 * shape.layers) if last else std
            value = torch.from_numpy(spread * philox.normals(seed, number, math.prod(size))).float().reshape(size)
        parameters[name] = value.to(dtype).requires_grad_()
    return parameters


def formula_batch(shape, step):
    """(B, T + 1) tokens of step `step`."""
    element = torch.arange(shape.batch * (shape.time + 1), dtype=torch.int64)
    return ((element * element * 3 + element * 31 + step * 17) % shape.vocab).reshape(shape.batch, shape.time + 1)


def formula_samples(shape, step):
    return [step * shape.batch + row for row in range(shape.batch)]


def attention(q, k, v, mask):
    """Causal; q, k, v (B,H,T,D). Without a mask PyTorch's own, with one its plain steps."""
    if mask is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    time = q.shape[2]
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
    future = torch.ones(time, time, dtype=torch.bool).triu(1)
    return (scores.masked_fill(future, -math.inf).softmax(3) * mask) @ v


def logits_of(p, inputs, shape, masks=None):
    """(B,T,V) of inputs (B,T), in the parameters' dtype."""
    batch, time = inputs.shape
    channels, heads, dtype = shape.channels, shape.heads, p["wte.weight"].dtype

    def mask(site, layer, size):
        return None if masks is None else torch.from_numpy(masks.at(site, layer, size)).to(dtype)

    def dropped(x, site, layer):
        return x if masks is None else x * mask(site, layer, (time, channels))

    x = dropped(p["wte.weight"][inputs] + p["wpe.weight"][:time], philox.EMBEDDING, 0)
    for layer in range(shape.layers):

        def get(name):
            return p[f"h.{layer}.{name}"]

        y = F.layer_norm(x, (channels,), get("ln_1.weight"), get("ln_1.bias"), EPSILON)
        q, k, v = F.linear(y, get("attn.qkv.weight"), get("attn.qkv.bias")).split(channels, dim=2)
        q, k, v = (t.unflatten(2, (heads, channels // heads)).transpose(1, 2) for t in (q, k, v))
        y = attention(q, k, v, mask(philox.ATTENTION, layer, (heads, time, time)))
        y = F.linear(y.transpose(1, 2).flatten(2), get("attn.out.weight"), get("attn.out.bias"))
        x = x + dropped(y, philox.ATTENTION_OUTPUT, layer)
        y = F.layer_norm(x, (channels,), get("ln_2.weight"), get("ln_2.bias"), EPSILON)
        y = F.gelu(F.linear(y, get("mlp.up.weight"), get("mlp.up.bias")), approximate=shape.gelu)
        y = F.linear(y, get("mlp.down.weight"), get("mlp.down.bias"))
        x = x + dropped(y, philox.MLP_OUTPUT, layer)
    x = F.layer_norm(x, (channels,), p["ln_f.weight"], p["ln_f.bias"], EPSILON)
    return F.linear(x, p["wte.weight"])


def loss_of(p, tokens, shape, masks=None):
    logits = logits_of(p, tokens[:, :-1], shape, masks)
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def gradients_of(p, tokens, shape, masks=None):
    """(loss, gradients by name); the parameters' own gradients are left clear."""
    loss = loss_of(p, tokens, shape, masks)
    gradients = torch.autograd.grad(loss, list(p.values()))
    return loss.detach(), dict(zip(p, gradients))


def adamw(p, learning_rate, weight_decay):
    """PyTorch's, decaying matrices alone, as the trainer does."""
    decayed = [value for value in p.values() if value.dim() == 2]
    plain = [value for value in p.values() if value.dim() == 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=learning_rate,
        betas=(0.9, 0.999),
        eps=1e-8,
    )
