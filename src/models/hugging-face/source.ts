// A Hugging Face model folder as a source of tensors: config.json and model.safetensors, in one file or in several with an
// index. Everything is checked before a value is read.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { invalid } from "../../base/errors.js";
import { SafetensorsFile, type TensorInfo } from "../../formats/safetensors.js";
import type { ModelConfig } from "../config.js";
import { CONFIG_NAME, modelOfConfig } from "./config.js";
import { isRedundant, PREFIX, type TensorPair, tensorPairs, theirShape, transpose } from "./tensors.js";

export const WEIGHTS_NAME = "model.safetensors";
const INDEX_NAME = "model.safetensors.index.json";

interface Place {
  readonly file: SafetensorsFile;
  readonly info: TensorInfo;
}

export class HuggingFaceSource {
  readonly model: ModelConfig;
  readonly pairs: readonly TensorPair[];
  /** The files that hold tensors. */
  readonly weightFiles: readonly string[];
  readonly #files: readonly SafetensorsFile[];
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(model: ModelConfig, files: readonly SafetensorsFile[], dir: string) {
    this.model = model;
    this.pairs = tensorPairs(model);
    this.weightFiles = files.map(({ path }) => path);
    this.#files = files;
    this.#places = placesOf(files);
    checkTensors(this.pairs, this.#places, dir);
  }

  /** Throws `config-import` when the folder is not a GPT-2 model that can be had here, naming the key or tensor. */
  static async open(dir: string): Promise<HuggingFaceSource> {
    const configFile = join(dir, CONFIG_NAME);
    const model = modelOfConfig(await readJson(configFile), configFile);
    const files: SafetensorsFile[] = [];
    try {
      for (const path of await weightFiles(dir)) files.push(await SafetensorsFile.open(path));
      return new HuggingFaceSource(model, files, dir);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  /** The values of one of `pairs` as they lie here, row-major. */
  async read(pair: TensorPair): Promise<Float32Array> {
    const { file, info } = this.#places.get(pair.theirs)!;
    const values = await file.readFloats(info.name);
    const [rows, columns] = pair.shape;
    return pair.transposed ? transpose(values, columns!, rows!) : values;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}

/** The model of a folder that can be imported; throws as `HuggingFaceSource.open` does. */
export async function inspectHuggingFace(dir: string): Promise<{ model: ModelConfig }> {
  const source = await HuggingFaceSource.open(dir);
  await source.close();
  return { model: source.model };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch (cause) {
    throw invalid("config-import", `expected JSON at ${path}, got none`, {
      hint: "give the folder of a model: what save_pretrained writes, or a clone from the hub",
      cause,
    });
  }
}

async function weightFiles(dir: string): Promise<string[]> {
  if (existsSync(join(dir, WEIGHTS_NAME))) return [join(dir, WEIGHTS_NAME)];
  if (existsSync(join(dir, INDEX_NAME))) {
    const index = (await readJson(join(dir, INDEX_NAME))) as { weight_map?: Record<string, unknown> } | null;
    const names = [...new Set(Object.values(index?.weight_map ?? {}))].sort();
    // A name from a file may not lead out of the folder.
    if (names.length > 0 && names.every((name) => typeof name === "string" && basename(name) === name)) {
      const paths = names.map((name) => join(dir, name as string));
      const missing = paths.find((path) => !existsSync(path));
      if (missing === undefined) return paths;
      throw invalid("config-import", `expected ${missing}, which ${INDEX_NAME} names, found none`);
    }
    throw invalid("config-import", `expected a weight_map of file names in ${join(dir, INDEX_NAME)}, got another`);
  }
  throw invalid("config-import", `expected ${WEIGHTS_NAME} or ${INDEX_NAME} in ${dir}, got neither`, {
    hint: "pickled weights (pytorch_model.bin) are not read: load them in Python and call save_pretrained",
  });
}

function placesOf(files: readonly SafetensorsFile[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const file of files) {
    for (const info of file.tensors.values()) {
      const { name } = info;
      places.set(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name, { file, info });
    }
  }
  return places;
}

/** Every tensor of the model with its shape, and none besides: another one would be a part of the model that is lost. */
function checkTensors(pairs: readonly TensorPair[], places: ReadonlyMap<string, Place>, dir: string): void {
  const refuse = (message: string) => invalid("config-import", message, { where: { file: dir } });
  for (const pair of pairs) {
    const place = places.get(pair.theirs);
    const [expected, got] = [theirShape(pair).join(" x "), place?.info.shape.join(" x ")];
    if (got !== expected) throw refuse(`expected ${expected} for the tensor ${pair.theirs}, got ${got ?? "none"}`);
  }
  const known = new Set(pairs.map(({ theirs }) => theirs));
  const other = [...places.keys()].find((name) => !known.has(name) && !isRedundant(name));
  if (other !== undefined) throw refuse(`expected the tensors of a GPT2LMHeadModel alone, got ${other} too`);
}
