"""Writes golden-hugging-face.safetensors, a small GPT2LMHeadModel as transformers saves it, and golden-hugging-face.json: its
config.json and its logits after a few prompts (reader: hugging-face.test.ts).

Run with a Python that has torch and transformers: python test/parity/make-hugging-face-golden.py
Weights are random and large, so that every part of the model shows in the logits.
"""

import json
import pathlib
import shutil
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel

HERE = pathlib.Path(__file__).parent
# 257 ids: single bytes and the end of a text.
PROMPTS = [[256], [72, 101], [3, 200, 17, 17, 5], [256, 84, 104, 101, 32, 109, 105, 108, 108]]


def main():
    torch.manual_seed(20)
    config = GPT2Config(
        vocab_size=257, n_positions=10, n_embd=12, n_layer=2, n_head=3, bos_token_id=256, eos_token_id=256
    )
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(torch.randn_like(value) * 0.3 + (1.0 if "ln_" in name and "weight" in name else 0.0))
        logits = [model(torch.tensor([prompt])).logits[0, -1].tolist() for prompt in PROMPTS]
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        shutil.copyfile(f"{folder}/model.safetensors", HERE / "golden-hugging-face.safetensors")
        saved = json.loads(pathlib.Path(folder, "config.json").read_text())
    golden = {"config": saved, "prompts": PROMPTS, "logits": [[round(x, 7) for x in row] for row in logits]}
    (HERE / "golden-hugging-face.json").write_text(json.dumps(golden) + "\n")


main()
