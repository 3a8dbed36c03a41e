// A 95% interval for a share of pairs of which whole documents were sampled. Resampling the documents that have pairs
// (bootstrap, Efron 1979) allows for pairs of one document being alike. It sees badly what few pairs show, so the exact
// binomial interval (Clopper and Pearson 1934) for as many trials as would vary as much (Korn and Graubard 1998) widens it
// where it is wider. What no pair shows does not vary: then there are as many trials as documents.
import type { DedupInterval } from "../formats/dedup-statistics.js";
import { SeededRandom } from "./seeded-hash.js";

const RESAMPLES = 1000;
const TAIL = 0.025;
const PURPOSE_RESAMPLE = 3;

/** Pairs by sampled document: those that count, and those of them that are counted. */
export interface PairsByDocument {
  readonly pairs: Uint32Array;
  readonly hits: Uint32Array;
  /** Different pairs: a pair of two sampled documents is one. */
  readonly numPairs: number;
}

/** Undefined when there is no pair. */
export function shareOfPairs(sample: PairsByDocument, seed: number): DedupInterval | undefined {
  // In an order that is not that of the input.
  const rows = sample.pairs
    .map((_, row) => row)
    .filter((row) => sample.pairs[row]! > 0)
    .sort((a, b) => sample.pairs[a]! - sample.pairs[b]! || sample.hits[a]! - sample.hits[b]!);
  if (rows.length === 0) return undefined;
  const pairs = rows.map((row) => sample.pairs[row]!);
  const hits = rows.map((row) => sample.hits[row]!);
  const estimate = sum(hits) / sum(pairs);
  if (estimate === 0 || estimate === 1) {
    const trials = Math.min(sample.numPairs, rows.length);
    return { estimate, ...clopperPearson(estimate * trials, trials) };
  }
  const { low, high, variance } = resample(pairs, hits, seed);
  const trials = Math.min(sample.numPairs, (estimate * (1 - estimate)) / variance);
  const exact = clopperPearson(estimate * trials, trials);
  return { estimate, low: Math.min(low, exact.low), high: Math.max(high, exact.high) };
}

function sum(values: Uint32Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Draws as many documents as there are, with replacement. */
function resample(
  pairs: Uint32Array,
  hits: Uint32Array,
  seed: number,
): { readonly low: number; readonly high: number; readonly variance: number } {
  const random = new SeededRandom(seed, PURPOSE_RESAMPLE);
  const shares = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i += 1) {
    let numPairs = 0;
    let numHits = 0;
    for (let drawn = 0; drawn < pairs.length; drawn += 1) {
      const row = random.below(pairs.length);
      numPairs += pairs[row]!;
      numHits += hits[row]!;
    }
    shares[i] = numHits / numPairs;
  }
  shares.sort();
  const mean = shares.reduce((total, share) => total + share, 0) / RESAMPLES;
  return {
    low: shares[Math.floor(TAIL * RESAMPLES)]!,
    high: shares[Math.ceil((1 - TAIL) * RESAMPLES) - 1]!,
    variance: shares.reduce((total, share) => total + (share - mean) ** 2, 0) / (RESAMPLES - 1),
  };
}

/** `successes` need not be whole. */
export function clopperPearson(successes: number, trials: number): { low: number; high: number } {
  const failures = trials - successes;
  return {
    low: successes <= 0 ? 0 : betaQuantile(TAIL, successes, failures + 1),
    high: failures <= 0 ? 1 : betaQuantile(1 - TAIL, successes + 1, failures),
  };
}

function betaQuantile(probability: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    if (incompleteBeta(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularized incomplete beta function by its continued fraction (Numerical Recipes, 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on the near side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b) - Math.log(a),
  );
  // Lentz's method: the value is front / (1 + d1 / (1 + d2 / (1 + ...))).
  const nonZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return front * fraction;
}

/** Lanczos' approximation, g = 7, n = 9: some 15 digits for positive arguments. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const z = x - 1;
  let sum = 0.9999999999998099;
  for (const [i, coefficient] of coefficients.entries()) sum += coefficient / (z + i + 1);
  const t = z + coefficients.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
