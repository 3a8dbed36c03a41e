// What became of the documents of each source, which sources lost most of theirs, and to which sources. Streams the columns
// of the signature files; memory grows with the number of sources, not of documents.
import type { DedupStatistics } from "../formats/dedup-statistics.js";
import { type Spill, withSpill } from "../formats/spill.js";
import type { DedupEngine } from "../text/engine.js";
import { DECISION } from "./decide.js";
import type { Numbering } from "./numbering.js";
import { partNames, type SpillKind, spillPath } from "./spills.js";

const REMOVED_A_CHUNK = 2 ** 20;
const MAX_LISTED = 1000;
const MAX_ALARMS = 100;
const MAX_WITNESSES = 100;
/** A source that is none of those listed. */
const OTHERS = "(other sources)";

export function countSources(
  workDir: string,
  numbering: Numbering,
  parts: number,
  engine: DedupEngine,
): DedupStatistics["sources"] {
  const sources = new SourceTable(workDir, numbering);
  const { names, read } = sources;
  const rejected = new Float64Array(names.length);
  const copies = new Float64Array(names.length);
  const removed = new Float64Array(names.length);
  for (const name of partNames(parts)) {
    sources.count(readDocuments(workDir, "ids", name), rejected);
    sources.count(readDocuments(workDir, "copies", name), copies);
  }
  const order = names
    .map((_, source) => source)
    .sort((a, b) => read[b]! - read[a]! || (names[a]! < names[b]! ? -1 : 1));
  const listed = order.slice(0, MAX_LISTED);
  const witnesses = new WitnessMatrix(names.length, listed);
  withSpill(spillPath(workDir, "decision", DECISION), "decision", (decision) => {
    const numRemoved = decision.length("documents");
    for (let row = 0; row < numRemoved; row += REMOVED_A_CHUNK) {
      const end = Math.min(row + REMOVED_A_CHUNK, numRemoved);
      const from = sources.of(decision.range("documents", "u32", row, end));
      for (const source of from) removed[source]! += 1;
      witnesses.add(from, sources.ofAny(decision.range("witness", "u32", row, end), engine));
    }
  });
  const documents = names.map((_, source) => read[source]! - rejected[source]!);
  const alarming = order
    .filter((source) => 2 * removed[source]! > documents[source]!)
    .sort((a, b) => removed[b]! - removed[a]! || (names[a]! < names[b]! ? -1 : 1));
  return {
    sources: names.length,
    list: listed.map((source) => ({
      source: names[source]!,
      read: read[source]!,
      rejected: rejected[source]!,
      exact_copies: copies[source]!,
      near_duplicates: removed[source]! - copies[source]!,
      kept: documents[source]! - removed[source]!,
    })),
    alarms: alarming.slice(0, MAX_ALARMS).map((source) => ({
      source: names[source]!,
      documents: documents[source]!,
      removed: removed[source]!,
    })),
    num_alarms: alarming.length,
    witnesses: witnesses.top(names),
  };
}

function readDocuments(workDir: string, kind: SpillKind, name: string): Uint32Array {
  return withSpill(spillPath(workDir, kind, name), kind, (spill) => spill.column("documents", "u32"));
}

/** Sources by number, over all blocks. */
class SourceTable {
  readonly names: string[] = [];
  /** Documents of each, repeated ids included. */
  readonly read: Float64Array;
  readonly #workDir: string;
  readonly #numbering: Numbering;
  /** By block: the number of each of its own sources. */
  readonly #ofBlock: readonly Uint32Array[];

  constructor(workDir: string, numbering: Numbering) {
    this.#workDir = workDir;
    this.#numbering = numbering;
    const numbers = new Map<string, number>();
    const numberOf = (name: string): number => {
      const number = numbers.get(name) ?? numbers.size;
      if (number === numbers.size) numbers.set(name, number);
      return number;
    };
    this.#ofBlock = numbering.blocks.map((block) => {
      const json = this.#open(block.id, (spill) => spill.column("sources", "u8"));
      return Uint32Array.from(JSON.parse(new TextDecoder().decode(json)) as string[], numberOf);
    });
    this.names = [...numbers.keys()];
    this.read = new Float64Array(this.names.length);
    for (const [index, { id, numDocuments }] of numbering.blocks.entries()) {
      const own = this.#ofBlock[index]!;
      if (own.length === 1) this.read[own[0]!]! += numDocuments;
      else for (const source of this.#open(id, readSourceIndex)) this.read[own[source]!]! += 1;
    }
  }

  /** Adds one to the counts of the sources of documents, ascending. */
  count(documents: Uint32Array, counts: Float64Array): void {
    for (const source of this.of(documents)) counts[source]! += 1;
  }

  /** Sources of documents in ascending order. */
  of(documents: Uint32Array): Uint32Array {
    const sources = new Uint32Array(documents.length);
    if (this.names.length === 1) return sources;
    let next = 0;
    for (const [index, { id, base, numDocuments }] of this.#numbering.blocks.entries()) {
      if (next === documents.length) break;
      if (documents[next]! >= base + numDocuments) continue;
      const own = this.#ofBlock[index]!;
      const column = own.length === 1 ? undefined : this.#open(id, readSourceIndex);
      for (; next < documents.length && documents[next]! < base + numDocuments; next += 1) {
        sources[next] = own[column === undefined ? 0 : column[documents[next]! - base]!]!;
      }
    }
    return sources;
  }

  /** Sources of documents in any order. */
  ofAny(documents: Uint32Array, engine: DedupEngine): Uint32Array {
    if (this.names.length === 1) return new Uint32Array(documents.length);
    const rows = new BigUint64Array(documents.length);
    const halves = new Uint32Array(rows.buffer);
    for (let row = 0; row < documents.length; row += 1) {
      halves[2 * row] = row;
      halves[2 * row + 1] = documents[row]!;
    }
    engine.sortUnique(rows);
    const sorted = this.of(documents.map((_, i) => halves[2 * i + 1]!));
    const sources = new Uint32Array(documents.length);
    for (const [i, source] of sorted.entries()) sources[halves[2 * i]!] = source;
    return sources;
  }

  #open<R>(block: string, use: (spill: Spill) => R): R {
    return withSpill(spillPath(this.#workDir, "signatures", block), "signatures", use);
  }
}

function readSourceIndex(spill: Spill): Uint32Array {
  return spill.column("sourceIndex", "u32");
}

/** How many documents of one source were removed for one of another; sources that are not listed are taken together. */
class WitnessMatrix {
  readonly #listed: readonly number[];
  readonly #placeOf: Uint32Array;
  readonly #counts = new Map<number, number>();

  constructor(numSources: number, listed: readonly number[]) {
    this.#listed = listed;
    this.#placeOf = new Uint32Array(numSources).fill(listed.length);
    for (const [place, source] of listed.entries()) this.#placeOf[source] = place;
  }

  add(removed: Uint32Array, witnesses: Uint32Array): void {
    const width = this.#listed.length + 1;
    for (const [i, source] of removed.entries()) {
      const cell = this.#placeOf[source]! * width + this.#placeOf[witnesses[i]!]!;
      this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
    }
  }

  top(names: readonly string[]): DedupStatistics["sources"]["witnesses"] {
    const width = this.#listed.length + 1;
    const nameAt = (place: number): string => names[this.#listed[place] ?? -1] ?? OTHERS;
    return [...this.#counts]
      .sort(([a, m], [b, n]) => n - m || a - b)
      .slice(0, MAX_WITNESSES)
      .map(([cell, documents]) => ({
        removed: nameAt(Math.floor(cell / width)),
        witness: nameAt(cell % width),
        documents,
      }));
  }
}
