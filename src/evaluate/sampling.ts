// From logits to the next token: temperature, then the k best, then the smallest set of the best whose probability reaches
// p, then one draw. Pure; the random number is an argument.

export interface SamplingOptions {
  /** Always the most probable token; the rest is then without effect. */
  readonly greedy: boolean;
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  /** The first token that crosses p is kept. 1: all. */
  readonly topP: number;
}

/** `uniform` in [0, 1). Ties go to the lower id. */
export function sampleToken(logits: Float32Array, options: SamplingOptions, uniform: number): number {
  if (options.greedy) return argmax(logits);
  const ids = candidates(logits, options.topK);
  const best = logits[ids[0]!]!;
  const weights = ids.map((id) => Math.exp((logits[id]! - best) / options.temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept = nucleus(weights, total * options.topP);
  const keptTotal = weights.slice(0, kept).reduce((sum, weight) => sum + weight, 0);
  let left = uniform * keptTotal;
  for (let index = 0; index < kept; index++) {
    left -= weights[index]!;
    if (left < 0) return ids[index]!;
  }
  return ids[kept - 1]!;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if (logits[id]! > logits[best]!) best = id;
  }
  return best;
}

/** Up to this many are found in one pass; sorting 50,000 ids takes longer than a small model's whole step. */
const MAX_INSERTED = 1_000;

/** Ids by falling logit, the topK first of them. */
function candidates(logits: Float32Array, topK: number): number[] {
  if (topK > 0 && topK <= MAX_INSERTED) return insertBest(logits, topK);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  return topK === 0 ? order : order.slice(0, topK);
}

/** Ids come in rising order, so one that only equals another goes after it. */
function insertBest(logits: Float32Array, topK: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (best.length === topK) {
      if (!(logits[id]! > logits[best[topK - 1]!]!)) continue;
      best.pop();
    }
    let place = best.length;
    while (place > 0 && logits[id]! > logits[best[place - 1]!]!) place -= 1;
    best.splice(place, 0, id);
  }
  return best;
}

/** How many of the falling weights reach `bound`. */
function nucleus(weights: readonly number[], bound: number): number {
  let sum = 0;
  for (let index = 0; index < weights.length; index++) {
    sum += weights[index]!;
    if (sum >= bound) return index + 1;
  }
  return weights.length;
}

/** The draw for a position: a function of seed and position alone (splitmix64), so a sample can be made again. */
export function uniformAt(seed: number, position: number): number {
  const mask = (1n << 64n) - 1n;
  let z = (BigInt(seed) * 0x9e3779b97f4a7c15n + BigInt(position + 1) * 0xd1342543de82ef95n) & mask;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  z ^= z >> 31n;
  return Number(z >> 11n) / 2 ** 53;
}
