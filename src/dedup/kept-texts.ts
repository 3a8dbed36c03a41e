// Texts of single kept documents, read from kept.jsonl in the making, where every kept record is JSON lines whatever it was.
import { open } from "node:fs/promises";
import { withSpill } from "../formats/spill.js";
import { readFates } from "./fates.js";
import { blockOf, type Numbering } from "./numbering.js";
import { spillPath } from "./spills.js";

export interface KeptFile {
  readonly path: string;
  /** Bytes by block, in order. */
  readonly keptBytes: readonly number[];
  /** Dotted path of the field. */
  readonly textField: string;
}

/** `parts`: names of the files of repeated ids. */
export async function readKeptText(
  workDir: string,
  numbering: Numbering,
  { path, keptBytes, textField }: KeptFile,
  parts: readonly string[],
  document: number,
): Promise<string> {
  const block = blockOf(numbering.blocks, document);
  const row = document - block.base;
  const lineBytes = withSpill(spillPath(workDir, "signatures", block.id), "signatures", (spill) =>
    spill.range("lineBytes", "u32", 0, row + 1),
  );
  const { removed, repeated } = readFates(workDir, block, parts);
  for (const other of [removed, repeated]) for (const gone of other) if (gone < row) lineBytes[gone] = 0;
  const index = numbering.blocks.indexOf(block);
  const offset = [...keptBytes.slice(0, index), ...lineBytes.subarray(0, row)].reduce((sum, bytes) => sum + bytes, 0);
  const line = Buffer.alloc(lineBytes[row]!);
  const file = await open(path, "r");
  try {
    await file.read(line, 0, line.length, offset);
  } finally {
    await file.close();
  }
  return textOf(JSON.parse(line.toString("utf8")), textField);
}

/** Records that were made JSON lines have their text under "text". */
function textOf(record: Readonly<Record<string, unknown>>, textField: string): string {
  const found = textField
    .split(".")
    .reduce<unknown>((value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name], record);
  return typeof found === "string" ? found : String(record.text);
}
