# text-dedup's command `python -m text_dedup.minhash` with its defaults (250 permutations, word 5-grams, 25 bands of 10 for
# 0.7), which writes an Arrow data set; that is written out as JSON lines, since a user of the others has those.
import os
import subprocess
import sys


def dedup(path, out, processes, threshold):
    os.makedirs(out)
    environment = {**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": f"{out}/home"}
    options = {
        "--path": "json",
        "--data_files": path,
        "--split": "train",
        "--cache_dir": f"{out}/cache",
        "--output": f"{out}/dataset",
        "--column": "text",
        "--threshold": str(threshold),
        "--num_proc": str(processes),
    }
    command = [sys.executable, "-m", "text_dedup.minhash", *(part for option in options.items() for part in option)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    os.environ.update(environment)
    from datasets import load_from_disk

    load_from_disk(f"{out}/dataset").to_json(f"{out}/kept.jsonl", lines=True, force_ascii=False)
