// The tokenizers of golden-tokenizer-json.json as files, loaded by their paths.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTokenizer, type Tokenizer } from "#src/tokenizers/index.js";

interface Golden {
  readonly numRandom: number;
  readonly models: Record<string, Record<string, unknown>>;
  readonly tokenizers: readonly GoldenTokenizer[];
}

export interface GoldenTokenizer {
  readonly name: string;
  readonly model: string;
  readonly fixed: string;
  readonly random: string;
  readonly decoded: string;
  readonly added?: unknown;
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly decoder?: unknown;
}

/** From the folder of the sources too, when it runs where it was compiled to. */
const file = fileURLToPath(new URL("../../test/parity/golden-tokenizer-json.json", import.meta.url)).replace(
  /build.test.parity/,
  "test/parity",
);
export const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;
const dir = mkdtempSync(join(tmpdir(), "millrace-tokenizer-json-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

/** As `variant` in the script. */
function modelOf(name: string): Record<string, unknown> {
  const [base, ...changes] = name.split("+");
  const model = structuredClone(golden.models[base!]!);
  for (const change of changes) {
    if (change === "ignore") model.ignore_merges = true;
    else if (change === "fuse") model.fuse_unk = true;
    else if (change === "unfused") model.fuse_unk = false;
    else if (change === "nounk") model.unk_token = null;
    else if (change === "legacy") model.merges = (model.merges as string[][]).map((merge) => merge.join(" "));
    else if (change === "short") model.max_input_chars_per_word = 5;
    else if (change === "holes") {
      const vocab = model.vocab as Record<string, number>;
      for (let byte = 0x80; byte < 0x100; byte += 3) delete vocab[`<0x${byte.toString(16).toUpperCase()}>`];
    }
  }
  return model;
}

let numFiles = 0;

export type TokenizerParts = Omit<GoldenTokenizer, "name" | "fixed" | "random" | "decoded">;

/**
 * Writes a file of its own folder, with a token that no text becomes for the end of documents, so that no text is affected:
 * the file, and the name to load it by.
 */
export function writeParts(parts: TokenizerParts, changed: object = {}): { file: string; name: string } {
  const model = modelOf(parts.model);
  const content = "<end of document>";
  // Where ids are missing, an added token takes the id of another one, if the vocabulary does not have it.
  if (parts.model.includes("holes")) Object.assign(model.vocab as object, { [content]: 4000 });
  const end = { id: 0, content, single_word: false, lstrip: false, rstrip: false };
  const file = {
    version: "1.0",
    added_tokens: [...((parts.added ?? []) as object[]), { ...end, normalized: false, special: true }],
    normalizer: parts.normalizer ?? null,
    pre_tokenizer: parts.pre_tokenizer ?? null,
    decoder: parts.decoder ?? null,
    model,
    ...changed,
  };
  numFiles += 1;
  const folder = join(dir, String(numFiles));
  mkdirSync(folder);
  const path = join(folder, "tokenizer.json");
  writeFileSync(path, JSON.stringify(file));
  return { file: path, name: `${folder}#${content}` };
}

export function loadParts(parts: TokenizerParts, changed: object = {}): Tokenizer {
  return loadTokenizer(writeParts(parts, changed).name);
}
