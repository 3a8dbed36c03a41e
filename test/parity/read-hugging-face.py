"""Opens a folder as GPT2LMHeadModel with its tokenizer and prints JSON: {"logits": of the position after each prompt, "ids": of
a text}. Arguments: folder, prompts as JSON, text."""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, prompts, text = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
model = AutoModelForCausalLM.from_pretrained(folder).eval()
assert type(model).__name__ == "GPT2LMHeadModel" and model.dtype == torch.float32
with torch.no_grad():
    logits = [model(torch.tensor([prompt])).logits[0, -1].tolist() for prompt in prompts]
ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
print(json.dumps({"logits": logits, "ids": ids}))
