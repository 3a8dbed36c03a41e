// What a checkpoint costs: its size, how long training stands still for the copy, how long the writing behind it takes and
// slows the steps meanwhile, and loading.
import { statSync } from "node:fs";
import { join } from "node:path";
import { native } from "../../dist/native.js";
import { median, rounds, show, spread, threads } from "./compare.mjs";

const VOCABULARY = 50257;
const models = {
  tiny: { numLayers: 4, hiddenSize: 128, numHeads: 8, contextLength: 128 },
  "gpt2-124m": { numLayers: 12, hiddenSize: 768, numHeads: 12, contextLength: 1024 },
};

function createTrainer(sizes, tensorParallel, batch, sequenceLength) {
  const unit = 128 * tensorParallel;
  const paddedVocabSize = Math.ceil(VOCABULARY / unit) * unit;
  const config = {
    model: { ...sizes, vocabSize: VOCABULARY, paddedVocabSize, gelu: "tanh", layernormEpsilon: 1e-5 },
    backend: native().backends()[0],
    precision: "fp32",
    lossScale: null,
    ...{ tensorParallel, dataParallel: 1, threads, sequenceLength, microBatch: batch, globalBatch: batch },
    ...{ recompute: "none", verifyParallel: false, dropout: 0.1, seed: 1, initStd: 0.02 },
    ...{ learningRate: 1e-3, minLearningRate: 1e-4, schedule: "cosine", warmupSteps: 2, decaySteps: 1000 },
    ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 },
  };
  return native().createTrainer(config, null);
}

async function seconds(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** Of all threads of this process, in seconds of a processor. */
function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** One round: ordinary steps, a checkpoint while nothing else is done, and one with steps until it is on disk. */
async function measure(step, snapshot, path) {
  const ordinary = [];
  for (let i = 0; i < 3; i += 1) ordinary.push(await seconds(step));
  await snapshot.take();
  const before = processorSeconds();
  const write = await seconds(() => snapshot.write(path));
  const processor = processorSeconds() - before;

  const copy = await seconds(() => snapshot.take());
  let written = false;
  const writing = snapshot.write(path).then(() => {
    written = true;
  });
  const meanwhile = [];
  while (!written) meanwhile.push(await seconds(step));
  await writing;
  const slowed = meanwhile.reduce((sum, one) => sum + one - median(ordinary), 0);
  return {
    step: median(ordinary),
    copy,
    write,
    "processor time of writing": processor,
    "training lost": copy + slowed,
  };
}

export async function checkpoint(folder) {
  const tables = [];
  for (const [name, sizes] of Object.entries(models)) {
    for (const tensorParallel of [1, 2]) {
      const [batch, sequenceLength] = name === "tiny" ? [4, 128] : [1, 256];
      const trainer = createTrainer(sizes, tensorParallel, batch, sequenceLength);
      const tokens = Int32Array.from({ length: batch * (sequenceLength + 1) }, (_, i) => (i * i * 7) % VOCABULARY);
      const step = () => trainer.step(tokens, new BigInt64Array(batch));
      const path = join(folder, `${name}-${tensorParallel}.safetensors`);
      await step();
      const snapshot = await trainer.createSnapshot();
      const figures = {};
      for (let round = 0; round < rounds; round += 1) {
        const one = { ...(await measure(step, snapshot, path)), load: await seconds(() => trainer.load(path)) };
        for (const [what, value] of Object.entries(one)) figures[what] = [...(figures[what] ?? []), value];
      }
      snapshot.destroy();
      trainer.destroy();
      const title = `checkpoint of ${name}, tp ${tensorParallel}, ${threads} threads, ${statSync(path).size} bytes`;
      const rows = Object.entries(figures).map(([what, values]) => ({ name: what, seconds: spread(values) }));
      console.log(`\n${title}, seconds, median (least to most) of ${rounds} rounds`);
      for (const row of rows) console.log(`  ${row.name.padEnd(26)} ${show(row.seconds, 3)}`);
      tables.push({ title, unit: "seconds", rows });
    }
  }
  return tables;
}
