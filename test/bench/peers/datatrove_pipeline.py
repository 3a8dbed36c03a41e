# datatrove's MinHash pipeline as its example runs it: signatures, buckets, cluster, filter, with the local executor. Its
# unit of work is the file, so the input is cut into as many files as there are processes first (outside its stages, but
# inside the time taken: a user with one file has to).
import glob
import os


def split_lines(path, folder, parts):
    os.makedirs(folder)
    size = os.path.getsize(path)
    with open(path, "rb") as source:
        for part in range(parts):
            with open(f"{folder}/{part:05d}.jsonl", "wb") as target:
                while source.tell() < size * (part + 1) // parts and (line := source.readline()):
                    target.write(line)


def make_words(language):
    """A tokenizer that gives Millrace's words."""
    from datatrove.utils.word_tokenizers import WordTokenizer
    from shingling import words_of

    class StatedWords(WordTokenizer):
        def word_tokenize(self, text):
            return words_of(text)

        def sent_tokenize(self, text):
            return [text]

        def span_tokenize(self, text):
            return [(0, len(text))]

    return StatedWords(language)


def dedup(path, out, processes, tuned):
    """tuned: 30 buckets of 5 and Millrace's words in place of 14 of 8 and its English tokenizer and normalisation."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.text import TextNormConfig

    work = f"{out}/work"
    os.makedirs(out)
    split_lines(path, f"{work}/in", processes)
    if tuned:
        untouched = TextNormConfig(False, False, False, False, False)
        config = MinhashConfig(num_buckets=30, hashes_per_bucket=5, norm_config=untouched)
        language = {"language": make_words("english")}
    else:
        config, language = MinhashConfig(), {}

    def run(pipeline, tasks):
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=processes, logging_dir=f"{work}/logs/{len(pipeline)}-{tasks}", skip_completed=False
        ).run()

    def reader():
        return JsonlReader(f"{work}/in")

    run([reader(), MinhashDedupSignature(output_folder=f"{work}/signatures", config=config, **language)], processes)
    run([MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)], config.num_buckets)
    run([MinhashDedupCluster(f"{work}/buckets", f"{work}/remove", config=config)], 1)
    writer = JsonlWriter(f"{work}/kept", output_filename="${rank}.jsonl", compression=None)
    run([reader(), MinhashDedupFilter(input_folder=f"{work}/remove"), writer], processes)
    with open(f"{out}/kept.jsonl", "wb") as target:
        for part in sorted(glob.glob(f"{work}/kept/*.jsonl")):
            with open(part, "rb") as source:
                target.write(source.read())
