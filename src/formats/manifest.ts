// manifest.json of a folder of shards (docs/formats/shard.md): what tokenizer made them, what each shard holds, and the
// checksums that prove it. Written last: a folder without it is not a data set.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type WrittenFile, writeFileAtomic } from "../base/atomic.js";
import { digestJson } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import { z } from "../base/schema.js";

export const MANIFEST_FILE = "manifest.json";
export const MANIFEST_FORMAT = "millrace-shards";
export const MANIFEST_VERSION = 1;
/** Bytes of a tokens buffer that share one checksum; a buffer's last page may be shorter. */
export const PAGE_BYTES = 1 << 20;

export const SPLITS = ["train", "heldout"] as const;
export type Split = (typeof SPLITS)[number];
export const TOKEN_TYPES = ["uint16", "int32"] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const xxh64 = z.string().regex(/^xxh64:[0-9a-f]{16}$/);

const batchSchema = z.strictObject({
  documents: count,
  tokens: count,
  /** XXH64 of each page of the batch's tokens buffer, 16 hexadecimal digits. */
  pages: z.array(z.string().regex(/^[0-9a-f]{16}$/)),
});

const shardSchema = z.strictObject({
  file: z.string().regex(/^[^/\\]+\.arrow$/),
  split: z.enum(SPLITS),
  bytes: count,
  documents: count,
  tokens: count,
  digest: xxh64,
  identity: sha256,
  batches: z.array(batchSchema),
});

const splitSchema = z.strictObject({ shards: count, documents: count, tokens: count, identity: sha256 });

const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  version: z.literal(MANIFEST_VERSION),
  identity: sha256,
  tokenizer: z.strictObject({
    name: z.string(),
    fingerprint: sha256,
    vocab_size: z.int().positive(),
    special_ids: z.strictObject({ end_of_document: count }),
  }),
  token_type: z.enum(TOKEN_TYPES),
  page_bytes: z.literal(PAGE_BYTES),
  heldout: z.strictObject({ fraction: z.number().min(0).max(0.5), seed: count }),
  splits: z.strictObject({ train: splitSchema, heldout: splitSchema }),
  unigram: z.strictObject({ file: z.string(), digest: xxh64 }),
  shards: z.array(shardSchema),
});

export type ManifestBatch = z.infer<typeof batchSchema>;
export type ManifestShard = z.infer<typeof shardSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/** What a shard is, whatever it is called and wherever it lies: its tokens and where its batches end. */
export function shardIdentity(tokenType: TokenType, batches: readonly ManifestBatch[]): string {
  return digestJson({ token_type: tokenType, batches });
}

/** The parts of a manifest that are not derived from others. */
export type ManifestParts = Pick<Manifest, "tokenizer" | "token_type" | "heldout" | "unigram" | "shards">;

export function makeManifest(parts: ManifestParts): Manifest {
  const summary = (split: Split): Manifest["splits"][Split] => {
    const shards = parts.shards.filter((shard) => shard.split === split);
    return {
      shards: shards.length,
      documents: shards.reduce((sum, shard) => sum + shard.documents, 0),
      tokens: shards.reduce((sum, shard) => sum + shard.tokens, 0),
      identity: digestJson({
        tokenizer: parts.tokenizer.fingerprint,
        shards: shards.map((shard) => shard.identity),
      }),
    };
  };
  const splits = { train: summary("train"), heldout: summary("heldout") };
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    identity: digestJson({ train: splits.train.identity, heldout: splits.heldout.identity }),
    tokenizer: parts.tokenizer,
    token_type: parts.token_type,
    page_bytes: PAGE_BYTES,
    heldout: parts.heldout,
    splits,
    unigram: parts.unigram,
    shards: parts.shards,
  };
}

/** One shard a line, so that a person can read and compare it. */
function format(manifest: Manifest): string {
  const members = Object.entries(manifest).map(([key, value]) => {
    if (key !== "shards") return `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    const shards = manifest.shards.map((shard) => `\n    ${JSON.stringify(shard)}`);
    return `  "shards": [${shards.join(",")}\n  ]`;
  });
  return `{\n${members.join(",\n")}\n}\n`;
}

export function writeManifest(dir: string, manifest: Manifest): Promise<WrittenFile> {
  return writeFileAtomic(join(dir, MANIFEST_FILE), format(manifest));
}

/** Checks form, version, sums and identities: a manifest that was edited by hand is refused. */
export async function readManifest(dir: string): Promise<Manifest> {
  const file = join(dir, MANIFEST_FILE);
  const refuse = (expected: string, got: string, hint?: string): Error =>
    invalid("shards-manifest", `expected ${expected} for the shards' manifest, got ${got}`, { where: { file }, hint });
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    if (!missing && !(cause instanceof SyntaxError)) throw cause;
    throw refuse("a JSON object", missing ? "no file" : (cause as Error).message, "run `millrace shard` to its end");
  }
  const { format: name, version } = Object(value) as { format?: unknown; version?: unknown };
  if (name !== MANIFEST_FORMAT || version !== MANIFEST_VERSION) {
    const got = `${String(name)} version ${String(version)}`;
    throw refuse(`${MANIFEST_FORMAT} version ${MANIFEST_VERSION}`, got, "make the shards again with this version");
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse("a valid value", `${issue?.message ?? "an error"} at ${issue?.path.join(".") || "the top"}`);
  }
  const manifest = parsed.data;
  for (const shard of manifest.shards) {
    if (shard.identity !== shardIdentity(manifest.token_type, shard.batches)) {
      throw refuse(`identity ${shard.identity} of ${shard.file}`, "other checksums");
    }
    for (const key of ["documents", "tokens"] as const) {
      const sum = shard.batches.reduce((total, batch) => total + batch[key], 0);
      if (sum !== shard[key]) throw refuse(`${shard[key]} ${key} in ${shard.file}`, `batches with ${sum}`);
    }
  }
  const again = makeManifest(manifest);
  if (JSON.stringify([again.identity, again.splits]) !== JSON.stringify([manifest.identity, manifest.splits])) {
    throw refuse("sums and identities of its shards", "others");
  }
  return manifest;
}
