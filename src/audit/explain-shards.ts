// What a folder of shards holds of one document: its rows are found by the bytes of its id in the columns of ids.
import { readManifest } from "../formats/manifest.js";
import { type FileMapper, openShard, type TextColumn } from "../formats/shard.js";
import { native } from "../native.js";

export interface ShardsStory {
  readonly stage: "shard";
  readonly dir: string;
  readonly rows: readonly {
    readonly file: string;
    readonly split: string;
    /** In the shard, over all its record batches, from 0. */
    readonly row: number;
    readonly tokens: number;
    readonly source: string;
  }[];
}

export async function explainShards(id: string, dir: string): Promise<ShardsStory> {
  const manifest = await readManifest(dir);
  const wanted = Buffer.from(id);
  const rows: ShardsStory["rows"][number][] = [];
  for (const entry of manifest.shards) {
    const { batches } = openShard(dir, entry, manifest.token_type, mapper());
    let before = 0;
    for (const { numDocuments, docId, source, offsets } of batches) {
      for (const row of rowsWith(docId, wanted)) {
        const text = Buffer.from(source.bytes.subarray(source.offsets[row]!, source.offsets[row + 1]!)).toString(
          "utf8",
        );
        const tokens = offsets[row + 1]! - offsets[row]!;
        rows.push({ file: entry.file, split: entry.split, row: before + row, tokens, source: text });
      }
      before += numDocuments;
    }
  }
  return { stage: "shard", dir, rows };
}

/** Mapping spares reading the tokens; without the addon the file is read whole. */
function mapper(): FileMapper | undefined {
  try {
    return native().mapFile;
  } catch {
    return undefined;
  }
}

/** Rows whose whole text is `wanted`. */
function* rowsWith({ bytes, offsets }: TextColumn, wanted: Buffer): Iterable<number> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at + 1)) {
    const row = lastRowFrom(offsets, at);
    if (offsets[row] === at && offsets[row + 1] === at + wanted.length) yield row;
  }
}

/** The last row that begins at or before `position`; offsets ascend. */
function lastRowFrom(offsets: Int32Array, position: number): number {
  let [low, high] = [0, offsets.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
