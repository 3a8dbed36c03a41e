// Three small stages for tests of the conductor: `upper` maps blocks of lines, partitions and reduces them; `tail` reads what
// upper wrote; `drill` governs its own state, as a training run does. Slow on request, or at a
// task that never ends, so that a kill lands inside.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileAtomic } from "#src/base/atomic.js";
import { invalid } from "#src/base/errors.js";
import { z } from "#src/base/schema.js";

/** Every run of a task leaves a line here, where a test asks for it. */
function trace(line) {
  if (process.env.TOY_TRACE !== undefined) appendFileSync(process.env.TOY_TRACE, `${line}\n`);
}

async function upperBlock({ id, file, start, end, config }, { workDir }, payload) {
  trace(`map ${id}`);
  await sleep(config.delayMs * (1 + (start % 3)));
  if (id === config.holdAt) await sleep(2 ** 31 - 1);
  if (id === config.dieAt) process.exit(3);
  if (id === config.failAt) {
    throw invalid("toy-bad", "expected better lines, got these", {
      where: { file, line: start + 1 },
      hint: "write others",
    });
  }
  const text = payload === undefined ? await readFile(file, "utf8") : Buffer.from(payload[0]).toString("utf8");
  const lines = payload === undefined ? text.split("\n").slice(start, end) : text.split("\n");
  const output = await writeFileAtomic(
    join(workDir, `${id}.txt`),
    lines.map((line) => `${line.toUpperCase()}\n`).join(""),
  );
  return { outputs: [output], counts: { documents_read: lines.length }, data: { file: output.path } };
}

async function upperPart({ index, files, config }, { dir }) {
  trace(`part ${index}`);
  await sleep(config.delayMs);
  let text = "";
  for (const file of files) text += await readFile(file, "utf8");
  const output = await writeFileAtomic(join(dir, `part-${index}.txt`), text);
  return { outputs: [output], counts: {} };
}

async function upperTotal({ results }, { dir }) {
  trace("total");
  const output = await writeFileAtomic(join(dir, "total.txt"), `${results.join("\n")}\n`);
  return { outputs: [output], counts: { parts: results.length } };
}

const LINES_A_BLOCK = 5;

const upperStage = {
  name: "upper",
  version: 1,
  schema: z.strictObject({
    delayMs: z.number().min(0).default(0),
    mark: z.string().default(""),
    parts: z.int().min(1).max(9).default(3),
    policy: z.enum(["longest", "first"]).default("longest"),
    nested: z.strictObject({ flag: z.boolean().default(false) }).prefault({}),
    failAt: z.string().optional(),
    dieAt: z.string().optional(),
    holdAt: z.string().optional(),
  }),
  async check({ parts, mark }) {
    if (mark !== "" && parts > mark.length)
      throw invalid("config-toy", `expected a mark a part for parts, got ${mark.length}`);
  },
  runtimeKeys: ["delayMs", "failAt", "dieAt", "holdAt"],
  phases: [
    {
      name: "blocks",
      kind: "map",
      // Lazy and with payloads for every other input, as a reader of compressed files is.
      async *plan({ inputs, config }, isDone) {
        for (const [index, input] of inputs.entries()) {
          const lines = (await readFile(input.path, "utf8")).trimEnd().split("\n");
          for (let start = 0; start < lines.length; start += LINES_A_BLOCK) {
            const id = `${index}-${String(start).padStart(4, "0")}`;
            const end = Math.min(lines.length, start + LINES_A_BLOCK);
            const task = { id, run: "upper/block", args: { id, file: input.path, start, end, config } };
            const bytes = Buffer.from(lines.slice(start, end).join("\n"));
            if (index % 2 === 1 && !isDone(id)) {
              yield { ...task, payload: [bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)] };
            } else yield { ...task, sizeBytes: bytes.length };
          }
        }
      },
    },
    {
      name: "parts",
      kind: "partition",
      plan: ({ config, results }) =>
        Array.from({ length: config.parts }, (_, index) => ({
          id: `part-${index}`,
          run: "upper/part",
          args: {
            index,
            config,
            files: results("blocks")
              .map(({ data }) => data.file)
              .filter((_, i) => i % config.parts === index),
          },
        })),
    },
    {
      name: "total",
      kind: "reduce",
      plan: ({ results }) => [
        {
          id: "total",
          run: "upper/total",
          args: { results: results("parts").map(({ outputs }) => outputs[0].digest) },
        },
      ],
    },
  ],
  dataOutputs: (_dir, outputs) => outputs.filter(({ path }) => basename(path).startsWith("part-")),
};

async function tailFile({ file, suffix, name }, { dir }) {
  trace(`tail ${name}`);
  const output = await writeFileAtomic(join(dir, name), `${await readFile(file, "utf8")}${suffix}`);
  return { outputs: [output], counts: { documents: 1 } };
}

const tailStage = {
  name: "tail",
  version: 1,
  schema: z.strictObject({ suffix: z.string().default("end\n") }),
  phases: [
    {
      name: "files",
      kind: "map",
      plan: ({ inputs, config }) =>
        inputs.map(({ path }, index) => ({
          id: `${index}`,
          run: "tail/file",
          args: { file: path, suffix: config.suffix, name: `tail-${index}.txt` },
        })),
    },
  ],
  dataOutputs: (_dir, outputs) => outputs,
};

const drillStage = {
  name: "drill",
  version: 1,
  schema: z.strictObject({ steps: z.int().min(1), rate: z.number().default(1), delayMs: z.number().default(0) }),
  runtimeKeys: ["delayMs"],
  continuationKeys: ["steps"],
  phases: [
    {
      name: "steps",
      kind: "process",
      async run({ config, dir }, report, signal) {
        const state = join(dir, "state.txt");
        let step = 0;
        try {
          step = Number(readFileSync(state, "utf8"));
        } catch {}
        trace(`drill from ${step}`);
        for (; step < config.steps; step++) {
          if (signal.aborted) throw invalid("interrupted", "the run was interrupted");
          report({ done: step, total: config.steps, unit: "steps" });
          await sleep(config.delayMs);
          writeFileSync(state, String(step + 1));
        }
        const output = await writeFileAtomic(join(dir, "model.txt"), `${config.steps} at ${config.rate}\n`);
        return { outputs: [output], counts: { last_loss: 1 / config.steps } };
      },
    },
  ],
  dataOutputs: (_dir, outputs) => outputs,
};

const entry = (key, reads, stage, tasks) => ({
  key,
  name: key,
  folder: key,
  reads,
  loadStage: async () => stage,
  loadTasks: async () => tasks,
});

export const registry = {
  url: import.meta.url,
  loadReader: async () => ({}),
  prepare: entry("datasets", [], tailStage, {}),
  entries: [
    entry("upper", [["inputs"]], upperStage, {
      "upper/block": upperBlock,
      "upper/part": upperPart,
      "upper/total": upperTotal,
    }),
    entry("tail", [["upper", "inputs"]], tailStage, { "tail/file": tailFile }),
    entry("drill", [["tail", "upper", "inputs"]], drillStage, {}),
  ],
};
