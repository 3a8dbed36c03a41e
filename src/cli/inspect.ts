// `millrace inspect PATH`: what a folder or file of this program is and holds, and with --verify whether it is whole.
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { digestFile } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import { isRemote } from "../base/storage/index.js";
import { type Checkpoint, listCheckpoints, readCheckpoint, readState, STATE_NAME } from "../formats/checkpoint.js";
import { readWeights, verifyWeights, type WeightsTensor } from "../formats/checkpoint-weights.js";
import { MANIFEST_FILE, readManifest } from "../formats/manifest.js";
import { openShard } from "../formats/shard.js";
import { native } from "../native.js";
import { writeYaml } from "../run/config-source.js";
import { findDamage, readStageFile, STAGE_FILE_NAME } from "../run/stage-file.js";
import { SUMMARY_NAME } from "../run/stage-folder.js";
import { inspectCorpusFile } from "./inspect-corpus.js";
import { inspectTokenizer } from "./inspect-tokenizer.js";

/** Named for the folder that they tell of; any other file of a corpus' format is one. */
const OWN_FILES: readonly string[] = [STAGE_FILE_NAME, SUMMARY_NAME];

export interface InspectOptions {
  readonly verify?: boolean;
  readonly json?: boolean;
}

export async function inspect(path: string, options: InspectOptions): Promise<void> {
  const isHere = !isRemote(path);
  const isFolder = isHere && existsSync(path) && (await stat(path)).isDirectory();
  // A folder may hold one beside what else it is; the file of one is nothing else.
  const tokenizer = isHere && !isFolder ? inspectTokenizer(path) : undefined;
  if (isHere && tokenizer === undefined && !existsSync(path))
    throw invalid("config-input", `expected a file or folder at ${path}, found none`);
  const dir = isFolder || !isHere ? path : dirname(path);
  const found =
    tokenizer ??
    (await shards(dir, path, options)) ??
    (await checkpoint(dir, options)) ??
    (isFolder || OWN_FILES.includes(basename(path)) ? undefined : await inspectCorpusFile(path)) ??
    (await stage(dir, options)) ??
    (await run(dir)) ??
    (await checkpoints(dir, options)) ??
    (await checkpoints(join(dir, "checkpoints"), options)) ??
    (isFolder ? inspectTokenizer(path) : undefined);
  if (found === undefined) {
    throw invalid(
      "config-input",
      `expected shards, checkpoints, a stage, a run, a tokenizer or a corpus file at ${path}, got none of these`,
    );
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(found, null, 2)}\n` : writeYaml(found));
  // A list that was asked to be verified has said which are damaged; scripts look at the exit code.
  if (options.verify === true && typeof found.damaged === "number" && found.damaged > 0) process.exitCode = 1;
}

type Found = Record<string, unknown> | undefined;

async function shards(dir: string, path: string, { verify }: InspectOptions): Promise<Found> {
  if (!existsSync(join(dir, MANIFEST_FILE))) return undefined;
  const manifest = await readManifest(dir);
  const wanted = path.endsWith(".arrow")
    ? manifest.shards.filter(({ file }) => file === basename(path))
    : manifest.shards;
  if (verify === true) {
    for (const entry of wanted) {
      openShard(dir, entry, manifest.token_type).verify();
      // Ids, sources and all else that is no page.
      await requireDigest(join(dir, entry.file), entry.digest);
    }
    await requireDigest(join(dir, manifest.unigram.file), manifest.unigram.digest);
  }
  return {
    kind: "shards",
    ...(verify === true ? { verified: `every page and the digests of ${wanted.length} shards` } : {}),
    identity: manifest.identity,
    tokenizer: manifest.tokenizer,
    token_type: manifest.token_type,
    splits: manifest.splits,
    shards: wanted.map(({ file, split, bytes, documents, tokens, batches }) => ({
      file,
      split,
      bytes,
      documents,
      tokens,
      batches: batches.length,
    })),
  };
}

async function requireDigest(path: string, expected: string): Promise<void> {
  const { digest } = await digestFile(path);
  if (digest === expected) return;
  throw invalid("shard-damaged", `expected digest ${expected} for the file, got ${digest}`, {
    where: { file: path },
    hint: "restore the file or make the shards again",
  });
}

async function checkpoint(dir: string, options: InspectOptions): Promise<Found> {
  if (!existsSync(join(dir, STATE_NAME))) return undefined;
  const state = await openState(dir, options);
  const { tensors, ...weights } = await readWeights(dir);
  return {
    kind: "checkpoint",
    verified: verified(options),
    ...state,
    ...weights,
    tensors: options.json === true ? tensors : Object.fromEntries(tensors.map((tensor) => [tensor.name, line(tensor)])),
  };
}

/** All of a training, the newest last; one that is damaged is named, not hidden. */
async function checkpoints(dir: string, options: InspectOptions): Promise<Found> {
  const dirs = await listCheckpoints(dir);
  if (dirs.length === 0) return undefined;
  const list: Record<string, unknown>[] = [];
  let damaged = 0;
  for (const one of dirs) {
    const state = await openState(one, options).catch((error: Error) => error);
    if (state instanceof Error) damaged += 1;
    list.push({
      name: basename(one),
      ...(state instanceof Error
        ? { damaged: state.message }
        : { step: state.step, nextSample: state.nextSample, sizeBytes: state.weights.sizeBytes }),
    });
  }
  return { kind: "checkpoints", verified: verified(options), count: dirs.length, damaged, checkpoints: list };
}

/** With --verify every byte is read twice: against the checksums, which name the tensor, and against the file's digest. */
async function openState(dir: string, { verify }: InspectOptions): Promise<Checkpoint["state"]> {
  const state = await readState(dir);
  if (verify !== true) return state;
  await verifyWeights(dir, (bytes, before) => native().crc32(bytes, before));
  await readCheckpoint(dir);
  return state;
}

function verified({ verify }: InspectOptions): string {
  return verify === true
    ? "the checksum of every tensor and the digest of the weights"
    : "the digest of the state and the size of the weights";
}

function line({ dtype, shape, sizeBytes, crc32 }: WeightsTensor): string {
  return `${dtype} [${shape.join(", ")}], ${sizeBytes} bytes, crc32 ${crc32 ?? "none"}`;
}

async function stage(dir: string, { verify }: InspectOptions): Promise<Found> {
  const file = await readStageFile(dir);
  if (file === undefined) return undefined;
  const damage = await findDamage(dir, file.outputs, verify === true);
  if (damage !== undefined)
    throw invalid(
      "stage-damaged",
      `expected the outputs of ${file.stage} in ${dir} as they were written, but ${damage}`,
    );
  const { format: _, ...rest } = file;
  return {
    kind: "stage",
    verified: verify === true ? "the digests of all outputs" : "the sizes of all outputs",
    ...rest,
  };
}

async function run(dir: string): Promise<Found> {
  const path = join(dir, SUMMARY_NAME);
  if (!existsSync(path)) return undefined;
  return { kind: "run", ...(JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>) };
}
