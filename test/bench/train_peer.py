# The same GPT-2 in PyTorch, for `npm run bench`: pre-LayerNorm blocks, tied head, dropout, AdamW, clipping, fp32 on the CPU.
# Usage: train_peer.py LAYERS HIDDEN HEADS CONTEXT VOCAB BATCH STEPS THREADS DROPOUT eager|compile
# Prints one JSON line: the seconds of each step after the first two.
import json
import sys
import time

import torch
import torch.nn.functional as F

layers, hidden, heads, context, vocab, batch, steps, threads = map(int, sys.argv[1:9])
dropout, mode = float(sys.argv[9]), sys.argv[10]
torch.set_num_threads(threads)
torch.manual_seed(1234)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(hidden), torch.nn.LayerNorm(hidden)
        self.qkv, self.proj = torch.nn.Linear(hidden, 3 * hidden), torch.nn.Linear(hidden, hidden)
        self.fc, self.fc_proj = torch.nn.Linear(hidden, 4 * hidden), torch.nn.Linear(4 * hidden, hidden)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(b, t, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        x = x + F.dropout(self.proj(a.transpose(1, 2).reshape(b, t, c)), dropout)
        return x + F.dropout(self.fc_proj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh")), dropout)


class Gpt2(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = torch.nn.Embedding(vocab, hidden), torch.nn.Embedding(context, hidden)
        self.h = torch.nn.ModuleList(Block() for _ in range(layers))
        self.ln_f = torch.nn.LayerNorm(hidden)
        for p in self.parameters():
            if p.dim() > 1:
                torch.nn.init.normal_(p, std=0.02)

    def forward(self, tokens, targets):
        x = F.dropout(self.wte(tokens) + self.wpe.weight[: tokens.shape[1]], dropout)
        for block in self.h:
            x = block(x)
        return F.cross_entropy((self.ln_f(x) @ self.wte.weight.T).view(-1, vocab), targets.reshape(-1))


model = Gpt2()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, foreach=True)
forward = torch.compile(model) if mode == "compile" else model
times = []
for step in range(steps + 2):
    tokens = torch.randint(0, 50257, (batch, context + 1))
    start = time.perf_counter()
    loss = forward(tokens[:, :-1], tokens[:, 1:])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    loss.item()
    if step >= 2:
        times.append(time.perf_counter() - start)
print(json.dumps({"seconds": times, "tokens": batch * context, "torch": torch.__version__}))
