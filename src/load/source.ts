// The shards of one split of one folder, opened when first read.
import { type Manifest, readManifest, type Split } from "../formats/manifest.js";
import { openShard, type Shard } from "../formats/shard.js";
import { native } from "../native.js";
import { readWindow, WindowMap } from "./windows.js";

export class ShardSource {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly split: Split;
  readonly #entries: Manifest["shards"];
  readonly #open: (Shard | undefined)[];

  constructor(dir: string, manifest: Manifest, split: Split) {
    this.dir = dir;
    this.manifest = manifest;
    this.split = split;
    this.#entries = manifest.shards.filter((shard) => shard.split === split);
    this.#open = this.#entries.map(() => undefined);
  }

  static async open(dir: string, split: Split): Promise<ShardSource> {
    return new ShardSource(dir, await readManifest(dir), split);
  }

  get identity(): string {
    return this.manifest.splits[this.split].identity;
  }

  get numTokens(): number {
    return this.manifest.splits[this.split].tokens;
  }

  get numShards(): number {
    return this.#entries.length;
  }

  shard(index: number): Shard {
    this.#open[index] ??= openShard(this.dir, this.#entries[index]!, this.manifest.token_type, native().mapFile);
    return this.#open[index];
  }

  windows(sequenceLength: number): SourceWindows {
    const map = new WindowMap(
      this.#entries.map((entry) => entry.tokens),
      sequenceLength,
    );
    return new SourceWindows(this, map, sequenceLength);
  }
}

/** A source seen as numbered windows of T + 1 tokens. */
export class SourceWindows {
  readonly numWindows: number;
  readonly #source: ShardSource;
  readonly #map: WindowMap;
  readonly #sequenceLength: number;

  constructor(source: ShardSource, map: WindowMap, sequenceLength: number) {
    this.numWindows = map.numWindows;
    this.#source = source;
    this.#map = map;
    this.#sequenceLength = sequenceLength;
  }

  read(window: number, target: Int32Array, position: number): void {
    const place = this.#map.locate(window);
    readWindow(this.#source.shard(place.shard), place.window, this.#sequenceLength, target, position);
  }
}
