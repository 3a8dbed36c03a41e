// All pairs of sets above a Jaccard threshold, by the prefix filter (Bayardo, Ma, Srikant, Scaling up all pairs similarity
// search, 2007; Xiao et al., Efficient similarity joins for near duplicate detection, 2008), written apart from the product's
// join so that the benches judge it by something else. Sets are ascending 64-bit hashes, each once.

const COUNTERS = 1 << 24;
const HEADS = 1 << 22;

/** The words of 64-bit hashes, low before high: comparing BigInts would take ten times as long. */
const halvesOf = (set) => new Uint32Array(set.buffer, set.byteOffset, set.length * 2);

export function intersectionSize(a, b) {
  const [x, y] = [halvesOf(a), halvesOf(b)];
  let common = 0;
  for (let i = 0, j = 0; i < x.length && j < y.length; ) {
    if (x[i] === y[j] && x[i + 1] === y[j + 1]) {
      common += 1;
      i += 2;
      j += 2;
    } else if (x[i + 1] < y[j + 1] || (x[i + 1] === y[j + 1] && x[i] < y[j])) i += 2;
    else j += 2;
  }
  return common;
}

/** Low words of each set's hashes, the rarest in the corpus first. */
function byRarity(sets) {
  const counts = new Uint32Array(COUNTERS);
  const place = (low) => Math.imul(low, 0x9e3779b1) >>> 8;
  for (const set of sets) for (let half = halvesOf(set), i = 0; i < half.length; i += 2) counts[place(half[i])] += 1;
  return (set) => {
    const half = halvesOf(set);
    // Count in the upper bits, the word itself in the lower 32: one number sorts both.
    const keys = new Float64Array(set.length);
    for (let i = 0; i < keys.length; i += 1)
      keys[i] = Math.min(counts[place(half[2 * i])], 0xfffff) * 2 ** 32 + half[2 * i];
    return Uint32Array.from(keys.sort(), (key) => key % 2 ** 32);
  };
}

/** Postings of words, in chains that are never shortened. */
class Postings {
  #heads = new Int32Array(HEADS).fill(-1);
  #next = new Int32Array(1 << 16);
  #words = new Uint32Array(1 << 16);
  #sets = new Uint32Array(1 << 16);
  #length = 0;

  add(word, set) {
    if (this.#length === this.#next.length) this.#grow();
    const at = this.#length++;
    const head = word % HEADS;
    this.#words[at] = word;
    this.#sets[at] = set;
    this.#next[at] = this.#heads[head];
    this.#heads[head] = at;
  }

  *of(word) {
    for (let at = this.#heads[word % HEADS]; at >= 0; at = this.#next[at])
      if (this.#words[at] === word) yield this.#sets[at];
  }

  #grow() {
    const doubled = (array) => {
      const larger = new array.constructor(array.length * 2);
      larger.set(array);
      return larger;
    };
    this.#next = doubled(this.#next);
    this.#words = doubled(this.#words);
    this.#sets = doubled(this.#sets);
  }
}

/** All pairs [i, j, similarity], i < j, with denominator * |A and B| > numerator * |A or B|. */
export function pairsAbove(sets, { numerator, denominator }) {
  const threshold = numerator / denominator;
  const order = Uint32Array.from(sets.keys()).sort((i, j) => sets[i].length - sets[j].length || i - j);
  const rarity = byRarity(sets);
  const postings = new Postings();
  const seen = new Int32Array(sets.length).fill(-1);
  const pairs = [];
  for (const j of order) {
    const words = rarity(sets[j]);
    const size = words.length;
    // A partner of at most this size shares one of the first `probed` words, and one of its own first `indexed` words.
    const probed = size - Math.ceil(threshold * size - 1e-9) + 1;
    const indexed = size - Math.ceil(((2 * threshold) / (1 + threshold)) * size - 1e-9) + 1;
    for (let p = 0; p < probed && p < size; p += 1) {
      for (const i of postings.of(words[p])) {
        if (seen[i] === j) continue;
        seen[i] = j;
        if (denominator * sets[i].length <= numerator * size) continue;
        const common = intersectionSize(sets[i], sets[j]);
        const union = sets[i].length + size - common;
        if (denominator * common > numerator * union) pairs.push([Math.min(i, j), Math.max(i, j), common / union]);
      }
    }
    for (let p = 0; p < indexed && p < size; p += 1) postings.add(words[p], j);
  }
  return pairs;
}
