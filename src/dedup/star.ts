// Who survives: one pass over the candidates in their total order. A document goes when a kept one before it is above the
// threshold with it, so survivors form stars, never chains. Pure but for the sets it is given; ranks are positions in the
// order.
import { type NativeJoinIndex, native } from "../native.js";
import { isAbove, isGreater, type Ratio } from "./threshold.js";
import type { Edges } from "./verify.js";

export interface StarCandidates {
  /** By rank: the document. */
  readonly documents: Uint32Array;
  /** By document: its rank. Only candidates' entries are looked at. */
  readonly rankOf: Uint32Array;
  /** By rank: 1 for members of crowded buckets, whose pairs among themselves are not among the edges. */
  readonly isCrowded: Uint8Array;
  readonly threshold: Ratio;
}

/** By rank; `removed` is 1 where the witness (a rank) and the similarity hold. */
export interface StarDecision {
  readonly removed: Uint8Array;
  readonly witness: Uint32Array;
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;
  /** Pairs compared because the join of crowded members found them. */
  readonly numJoined: number;
}

/** The sets of crowded documents, and estimates of how often shingles occur among them. */
export interface CrowdedSets {
  set(document: number): BigUint64Array;
  readonly counters: Uint32Array;
}

export function decideStar(candidates: StarCandidates, edges: Edges, crowded: CrowdedSets): StarDecision {
  const { documents, isCrowded, threshold } = candidates;
  const table = new WitnessTable(documents.length);
  const later = laterNeighbours(candidates, edges);
  const join = new CrowdedJoin(documents, crowded, threshold);
  for (let rank = 0; rank < documents.length; rank += 1) {
    // Looked up even when an edge has removed it: a kept member of the crowd may be the better witness.
    if (isCrowded[rank] === 1)
      join.compare(rank, (kept, intersection, union) => table.offer(rank, kept, intersection, union));
    if (table.removed[rank] === 1) continue;
    if (isCrowded[rank] === 1) join.keep(rank);
    for (let at = later.starts[rank]!; at < later.starts[rank + 1]!; at += 1) {
      const edge = later.edges[at]!;
      table.offer(later.ranks[at]!, rank, edges.intersection[edge]!, edges.union[edge]!);
    }
  }
  const { removed, witness, intersection, union } = table;
  return { removed, witness, intersection, union, numJoined: join.numCompared };
}

/** Each candidate's best witness so far: the most similar, among equals the first in order. */
class WitnessTable {
  readonly removed: Uint8Array;
  readonly witness: Uint32Array;
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;

  constructor(numCandidates: number) {
    this.removed = new Uint8Array(numCandidates);
    this.witness = new Uint32Array(numCandidates);
    this.intersection = new Uint32Array(numCandidates);
    this.union = new Uint32Array(numCandidates);
  }

  offer(rank: number, witness: number, intersection: number, union: number): void {
    if (this.removed[rank] === 1) {
      const [bestIntersection, bestUnion] = [this.intersection[rank]!, this.union[rank]!];
      if (isGreater(bestIntersection, bestUnion, intersection, union)) return;
      if (!isGreater(intersection, union, bestIntersection, bestUnion) && this.witness[rank]! <= witness) return;
    }
    this.removed[rank] = 1;
    this.witness[rank] = witness;
    this.intersection[rank] = intersection;
    this.union[rank] = union;
  }
}

/** Edges by the rank of their earlier end: those of rank r at starts[r] .. starts[r + 1]. */
interface LaterNeighbours {
  readonly starts: Uint32Array;
  readonly ranks: Uint32Array;
  readonly edges: Uint32Array;
}

function laterNeighbours({ documents, rankOf }: StarCandidates, { lower, higher }: Edges): LaterNeighbours {
  const starts = new Uint32Array(documents.length + 1);
  for (let edge = 0; edge < lower.length; edge += 1) {
    starts[Math.min(rankOf[lower[edge]!]!, rankOf[higher[edge]!]!) + 1]! += 1;
  }
  for (let rank = 0; rank < documents.length; rank += 1) starts[rank + 1]! += starts[rank]!;
  const next = starts.slice();
  const ranks = new Uint32Array(lower.length);
  const edges = new Uint32Array(lower.length);
  for (let edge = 0; edge < lower.length; edge += 1) {
    const [a, b] = [rankOf[lower[edge]!]!, rankOf[higher[edge]!]!];
    const at = next[Math.min(a, b)]!++;
    ranks[at] = Math.max(a, b);
    edges[at] = edge;
  }
  return { starts, ranks, edges };
}

/** Compares members of the crowd with the kept ones before them, by an exact prefix-filter join instead of all pairs. */
class CrowdedJoin {
  /** Sets compared by one native call. */
  static readonly #BATCH = 64;
  readonly #documents: Uint32Array;
  readonly #crowded: CrowdedSets;
  readonly #threshold: Ratio;
  readonly #index: NativeJoinIndex;
  #set: BigUint64Array = new BigUint64Array(0);
  numCompared = 0;

  constructor(documents: Uint32Array, crowded: CrowdedSets, threshold: Ratio) {
    this.#documents = documents;
    this.#crowded = crowded;
    this.#threshold = threshold;
    this.#index = native().createJoinIndex(crowded.counters, threshold.numerator, threshold.denominator);
  }

  /** Tells every kept member above the threshold with this one. */
  compare(rank: number, tell: (kept: number, intersection: number, union: number) => void): void {
    this.#set = this.#crowded.set(this.#documents[rank]!);
    const found = native().probeSets(this.#index, this.#set);
    for (let begin = 0; begin < found.length; begin += CrowdedJoin.#BATCH) {
      const batch = found.subarray(begin, begin + CrowdedJoin.#BATCH);
      this.#compareBatch(batch, tell);
    }
    this.numCompared += found.length;
  }

  /** The member last compared stays: later ones are compared with it. */
  keep(rank: number): void {
    native().insertSet(this.#index, rank, this.#set);
  }

  #compareBatch(ranks: Uint32Array, tell: (kept: number, intersection: number, union: number) => void): void {
    const sets = [this.#set, ...Array.from(ranks, (rank) => this.#crowded.set(this.#documents[rank]!))];
    const offsets = new Uint32Array(sets.length + 1);
    for (const [i, set] of sets.entries()) offsets[i + 1] = offsets[i]! + set.length;
    const hashes = new BigUint64Array(offsets[sets.length]!);
    for (const [i, set] of sets.entries()) hashes.set(set, offsets[i]!);
    const pairs = Uint32Array.from({ length: ranks.length * 2 }, (_, i) => (i % 2 === 0 ? 0 : (i + 1) / 2));
    const common = native().intersectSets(hashes, offsets, pairs);
    for (const [i, intersection] of common.entries()) {
      const union = this.#set.length + sets[i + 1]!.length - intersection;
      if (isAbove(intersection, union, this.#threshold)) tell(ranks[i]!, intersection, union);
    }
  }
}
