// `millrace inspect PATH`: what a folder or file of this program is and holds, and with --verify whether it is whole.
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { digestFile } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import { readCheckpoint, STATE_NAME } from "../formats/checkpoint.js";
import { MANIFEST_FILE, readManifest } from "../formats/manifest.js";
import { openShard } from "../formats/shard.js";
import { writeYaml } from "../run/config-source.js";
import { findDamage, readStageFile } from "../run/stage-file.js";
import { SUMMARY_NAME } from "../run/stage-folder.js";

export interface InspectOptions {
  readonly verify?: boolean;
  readonly json?: boolean;
}

export async function inspect(path: string, options: InspectOptions): Promise<void> {
  if (!existsSync(path)) throw invalid("config-input", `expected a file or folder at ${path}, found none`);
  const dir = (await stat(path)).isDirectory() ? path : dirname(path);
  const found =
    (await shards(dir, path, options)) ?? (await checkpoint(dir)) ?? (await stage(dir, options)) ?? (await run(dir));
  if (found === undefined) {
    throw invalid("config-input", `expected shards, a checkpoint, a stage or a run at ${path}, got none of these`);
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(found, null, 2)}\n` : writeYaml(found));
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

/** Reading a checkpoint checks its weights against their digest. */
async function checkpoint(dir: string): Promise<Found> {
  if (!existsSync(join(dir, STATE_NAME))) return undefined;
  const { state } = await readCheckpoint(dir);
  return { kind: "checkpoint", verified: "the weights' digest", ...state };
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
