// Generated corpora: random words, edited copies, short and wordless texts. The same for the same seed.
import { overlapOf, shinglesOf } from "#src/text/similarity.js";
import type { TestDocument } from "./harness.js";

export const WORDS5 = { unit: "word", size: 5 } as const;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, bound): the upper bits of a 64-bit-like mix of a counter. */
  below(bound: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return Math.floor((((x ^ (x >>> 15)) >>> 0) / 2 ** 32) * bound);
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }
}

const SYLLABLES = ["ka", "lo", "mi", "ne", "ru", "ta", "vo", "xi", "zu", "Ba", "De", "Fé"];

export function randomWord(random: Random): string {
  return Array.from({ length: 2 + random.below(3) }, () => SYLLABLES[random.below(SYLLABLES.length)]).join("");
}

export function randomWords(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => randomWord(random));
}

/** Each word replaced, dropped or followed by another with the given chance in a thousand. */
export function edited(random: Random, words: readonly string[], perMille: number): string[] {
  return words.flatMap((word) => {
    if (random.below(1000) >= perMille) return [word];
    return [[randomWord(random)], [], [word, randomWord(random)]][random.below(3)]!;
  });
}

/** Families of near-duplicates of all grades, exact copies in other case and spacing, strangers, short, wordless and empty texts. */
export function mixedCorpus(seed: number, families: number): TestDocument[] {
  const random = new Random(seed);
  const documents: string[] = [
    "",
    " ",
    "!!!",
    "?!",
    "one",
    "One!",
    "one two",
    "one two three four five",
    "手机 手机",
    "手机手机。",
  ];
  for (let family = 0; family < families; family += 1) {
    const base = randomWords(random, 20 + random.below(150));
    documents.push(base.join(" "), randomWords(random, 3 + random.below(60)).join(" "));
    for (let copy = random.below(5); copy > 0; copy -= 1)
      documents.push(edited(random, base, 5 + random.below(90)).join(" "));
    if (random.below(3) === 0) documents.push(`${base.join("  ").toUpperCase()}.`);
  }
  return random.shuffled(documents.map((text, i) => ({ id: `doc-${i}`, text, family: i % 7 })));
}

export interface OraclePair {
  readonly a: string;
  readonly b: string;
  readonly jaccard: number;
}

/** All pairs above the threshold, by brute force on strings. */
export function oraclePairs(documents: readonly TestDocument[], numerator = 7, denominator = 10): OraclePair[] {
  const sets = documents.map(({ text }) => shinglesOf(text, WORDS5));
  const pairs: OraclePair[] = [];
  for (let i = 0; i < sets.length; i += 1) {
    for (let j = i + 1; j < sets.length; j += 1) {
      const { intersection, union } = overlapOf(sets[i]!, sets[j]!);
      if (denominator * intersection > numerator * union) {
        pairs.push({ a: documents[i]!.id!, b: documents[j]!.id!, jaccard: intersection / union });
      }
    }
  }
  return pairs;
}
