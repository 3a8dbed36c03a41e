// The texts of a few documents, found by reading dedup's inputs again until all are there.
import type { DedupConfig } from "../../dedup/config.js";
import { readOptionsOf } from "../../formats/corpus.js";
import { idOf, textOf } from "../../records/document-block.js";
import type { FileRef } from "../../records/stage.js";
import type { Registry } from "../../run/registry.js";

/** A report is not worth another pass over a terabyte: texts are looked for in this much of the inputs. */
const MAX_READ_BYTES = 4 * 2 ** 30;

export async function findTexts(
  inputs: readonly FileRef[],
  config: DedupConfig,
  registry: Registry,
  wanted: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (wanted.size === 0) return texts;
  const options = readOptionsOf(config);
  const reader = await registry.loadReader();
  let read = 0;
  for await (const { ref, payload } of reader.plan(inputs, options, () => false)) {
    const { block } = await reader.read(ref, options, payload);
    for (let row = 0; row < block.numDocuments; row += 1) {
      const id = idOf(block, row);
      // Of documents with one id the first stays.
      if (wanted.has(id) && !texts.has(id)) texts.set(id, textOf(block, row));
    }
    read += ref.end - ref.start;
    if (texts.size === wanted.size || read > MAX_READ_BYTES) break;
  }
  return texts;
}
