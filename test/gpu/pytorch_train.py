"""The same GPT-2 in PyTorch, to be measured beside train-bench: torch.compile, scaled_dot_product_attention, fused AdamW, bf16
autocast over fp32 weights, gradient accumulation, clipping, the padded vocabulary and as many tokens a step.

    pytorch_train.py --model gpt2-1.2b --micro-batch 16 --seq 1024 --tokens-per-step 524288 --dropout 0 --seconds 20
    pytorch_train.py ... --serve    measures a block for each line `block SECONDS` on stdin, and leaves the card's memory between

Prints one JSON line a block: the seconds of each whole step. Tokens are uniform over the vocabulary: they serve to time, not to
learn from.
"""

import argparse
import json
import sys
import time

import torch
import torch.nn.functional as F

VOCABULARY, PADDED = 50_257, 51_200
# Layers, hidden size, heads, context.
MODELS = {
    "tiny": (4, 128, 8, 128),
    "gpt2-124m": (12, 768, 12, 1024),
    "gpt2-355m": (24, 1024, 16, 1024),
    "gpt2-1.2b": (40, 1536, 16, 1024),
}
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="gpt2-1.2b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--seq", type=int, default=1024)
    parser.add_argument("--tokens-per-step", type=int, default=524_288)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--seconds", type=float, default=20, help="measure whole steps for at least so long")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.tokens_per_step % (options.micro_batch * options.seq) != 0:
        parser.error("expected a multiple of micro-batch * seq for --tokens-per-step")
    return options


class Block(torch.nn.Module):
    def __init__(self, hidden, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(hidden), torch.nn.LayerNorm(hidden)
        self.qkv, self.proj = torch.nn.Linear(hidden, 3 * hidden), torch.nn.Linear(hidden, hidden)
        self.fc, self.fc_proj = torch.nn.Linear(hidden, 4 * hidden), torch.nn.Linear(4 * hidden, hidden)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(self.ln_1(x)).split(c, dim=2))
        attended = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, is_causal=True)
        x = x + F.dropout(self.proj(attended.transpose(1, 2).reshape(b, t, c)), self.dropout)
        return x + F.dropout(self.fc_proj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh")), self.dropout)


class Gpt2(torch.nn.Module):
    def __init__(self, layers, hidden, heads, context, dropout):
        super().__init__()
        self.dropout = dropout
        self.wte, self.wpe = torch.nn.Embedding(PADDED, hidden), torch.nn.Embedding(context, hidden)
        self.blocks = torch.nn.ModuleList(Block(hidden, heads, dropout) for _ in range(layers))
        self.ln_f = torch.nn.LayerNorm(hidden)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens, targets):
        x = F.dropout(self.wte(tokens) + self.wpe.weight[: tokens.shape[1]], self.dropout)
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)
        return F.cross_entropy(logits.view(-1, PADDED), targets.reshape(-1))


class Training:
    def __init__(self, options):
        self.options = options
        self.device = torch.device(options.device)
        torch.manual_seed(1234)
        with self.device:
            self.model = Gpt2(*MODELS[options.model], options.dropout)
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        others = [p for p in self.model.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
            lr=1.5e-4,
            betas=(0.9, 0.999),
            fused=True,
        )
        self.loss_of = self.model if options.eager else torch.compile(self.model)
        self.micro_batches = options.tokens_per_step // (options.micro_batch * options.seq)
        self.warm = False

    def micro_step(self):
        o = self.options
        tokens = torch.randint(0, VOCABULARY, (o.micro_batch, o.seq + 1), device=self.device)
        with torch.autocast(self.device.type, DTYPES.get(o.precision), enabled=o.precision in DTYPES):
            loss = self.loss_of(tokens[:, :-1], tokens[:, 1:])
        (loss / self.micro_batches).backward()
        return loss

    def update(self):
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)  # in place: the next micro-batch adds into the same memory

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def block(self, seconds):
        """Whole steps until `seconds` have passed; the first block compiles first."""
        if not self.warm:
            for _ in range(2):
                self.micro_step()
                self.update()
            self.warm = True
        self.micro_step()
        self.wait()
        steps = []
        while sum(steps) < seconds:
            begin = time.perf_counter()
            for _ in range(self.micro_batches):
                loss = self.micro_step()
            self.update()
            loss.item()
            self.wait()
            steps.append(time.perf_counter() - begin)
        return steps

    def move_state(self, device):
        """Weights, gradients and moments to `device`, in place for the optimizer and the compiled model."""
        for parameter in self.model.parameters():
            parameter.data = parameter.data.to(device)
            if parameter.grad is not None:
                parameter.grad.data = parameter.grad.data.to(device)
            for name, value in self.optimizer.state[parameter].items():
                self.optimizer.state[parameter][name] = value.to(device)
        self.wait()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def report(self, steps):
        o = self.options
        memory = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None
        line = {
            "side": "pytorch",
            "torch": torch.__version__,
            "compiled": not o.eager,
            "model": o.model,
            "precision": o.precision,
            "dropout": o.dropout,
            "tokens_per_step": o.tokens_per_step,
            "micro_batches": self.micro_batches,
            "step_seconds": steps,
            "peak_bytes": memory,
        }
        print(json.dumps(line), flush=True)


def main():
    options = parse_arguments()
    torch.set_float32_matmul_precision("highest" if options.precision == "fp32" else "high")
    training = Training(options)
    if not options.serve:
        training.report(training.block(options.seconds))
        return
    for line in sys.stdin:
        _, seconds = line.split()
        if training.warm:
            training.move_state(training.device)
        steps = training.block(float(seconds))
        training.move_state("cpu")
        training.report(steps)


if __name__ == "__main__":
    main()
