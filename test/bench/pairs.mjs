// Pairs of documents of a wanted similarity, by edits as they happen: words replaced, inserted, deleted, sentences moved,
// boilerplate added. Each pair is edited until its Jaccard similarity falls into its bin.
import { generator } from "./corpus.mjs";
import { LANGUAGES } from "./languages.mjs";

const SHINGLE = 5;
const SHORTEST_WORDS = 100;
const LONGEST_WORDS = 300;
const BOILERPLATES = 40;
const MAX_TRIES = 200;

/** [from, below) of the bins of the S-curve; the narrow one lies just above the threshold. */
export const BINS = [
  [0.5, 0.55],
  [0.55, 0.6],
  [0.6, 0.65],
  [0.65, 0.7],
  [0.7, 0.72],
  [0.72, 0.75],
  [0.75, 0.8],
  [0.8, 0.85],
  [0.85, 0.9],
  [0.9, 0.95],
  [0.95, 1],
];

const below = (random, n) => Math.floor(random() * n);

/** An edit changes a copy (a list of sentences, each a list of words) in place. */
function editsOf(language, boilerplates, random) {
  const anywhere = (copy) => {
    const sentence = copy[below(random, copy.length)];
    return [sentence, below(random, sentence.length)];
  };
  return {
    replace(copy) {
      const [sentence, at] = anywhere(copy);
      sentence[at] = language.word();
    },
    insert(copy) {
      const [sentence, at] = anywhere(copy);
      sentence.splice(at, 0, language.word());
    },
    delete(copy) {
      const [sentence, at] = anywhere(copy);
      if (sentence.length > 1) sentence.splice(at, 1);
    },
    move(copy) {
      const [sentence] = copy.splice(below(random, copy.length), 1);
      copy.splice(below(random, copy.length + 1), 0, sentence);
    },
    boilerplate(copy) {
      const added = [...boilerplates[below(random, boilerplates.length)]];
      if (random() < 0.5) copy.unshift(added);
      else copy.push(added);
    },
  };
}

/** Which edits one pair gets; words are the commonest. */
const MIXTURES = [
  ["replace"],
  ["insert", "delete"],
  ["replace", "insert", "delete"],
  ["move", "replace"],
  ["boilerplate", "replace"],
  ["replace", "insert", "delete", "move", "boilerplate"],
];

/** A numeric image of the shingles, good enough to steer by; what counts is measured natively on the texts. */
function steeringSet(sentences, numbers) {
  const words = sentences.flat().map((word) => {
    if (!numbers.has(word)) numbers.set(word, Math.imul(numbers.size + 1, 0x9e3779b1));
    return numbers.get(word);
  });
  const set = new Set();
  for (let i = 0; i + SHINGLE <= words.length; i += 1) {
    let hash = 0;
    for (let j = i; j < i + SHINGLE; j += 1) hash = Math.imul(hash ^ words[j], 0x01000193) + (hash >>> 15);
    set.add(hash);
  }
  return set;
}

function jaccard(a, b) {
  let common = 0;
  for (const value of a) if (b.has(value)) common += 1;
  return common / (a.size + b.size - common);
}

function original(language, random) {
  const length = SHORTEST_WORDS + below(random, LONGEST_WORDS - SHORTEST_WORDS);
  const sentences = [];
  for (let words = 0; words < length; words += sentences.at(-1).length) sentences.push([...language.sentence()]);
  return sentences;
}

function pairInBin([from, until], language, edits, random, numbers) {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const a = original(language, random);
    const b = a.map((sentence) => [...sentence]);
    const set = steeringSet(a, numbers);
    const mixture = MIXTURES[below(random, MIXTURES.length)];
    const target = from + random() * (until - from);
    let similarity = 1;
    while (similarity > target && similarity >= from) {
      edits[mixture[below(random, mixture.length)]](b);
      similarity = jaccard(set, steeringSet(b, numbers));
    }
    if (similarity >= from && similarity < until) return [a, b];
  }
  throw new Error(`no pair in ${from} to ${until} after ${MAX_TRIES} tries`);
}

/** `count` pairs a bin: {bin, texts: [A, B], words: [of A, of B]}. */
export async function* generatePairs(name, count, seed) {
  const random = generator(seed);
  const language = await LANGUAGES[name](random);
  const boilerplates = Array.from({ length: BOILERPLATES }, () => language.sentence());
  const edits = editsOf(language, boilerplates, random);
  const numbers = new Map();
  for (const [bin, limits] of BINS.entries()) {
    for (let i = 0; i < count; i += 1) {
      const pair = pairInBin(limits, language, edits, random, numbers);
      yield { bin, texts: pair.map((side) => language.write(side, random)), words: pair.map((side) => side.flat()) };
    }
  }
}
