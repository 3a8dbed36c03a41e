// Recall: which share of pairs of a given similarity becomes candidates, measured on generated edits in five languages against
// theory, for both engines and every peer; then the same pairs as one corpus through `millrace dedup`, its removals compared
// with the exact oracle. Writes docs/dedup-recall.json and docs/dedup-recall.svg when run at full size.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineOf } from "../../dist/text/engine.js";
import { hasPeer, python, root, run, stage, threads } from "./compare.mjs";
import { LANGUAGES } from "./languages.mjs";
import { judge, oracleOfFile, packTexts, readDocuments, SHINGLING, shingleSetsOf } from "./oracle.mjs";
import { BINS, generatePairs } from "./pairs.mjs";
import { signatureOf } from "./peers/npm-minhash.mjs";
import { recallTables } from "./recall-tables.mjs";
import { candidateChance, drawSCurve, wilson } from "./s-curve.mjs";
import { intersectionSize } from "./set-join.mjs";

const FULL_SIZE = 2000;
/** Pairs a bin and language. */
const pairsABin = Number(process.env.MILLRACE_BENCH_PAIRS ?? FULL_SIZE);
/** Slow ones, the js engine and the peers, get every fifth pair: 2,000 a bin over the five languages. */
const SLOW_STEP = 5;
if (pairsABin % SLOW_STEP !== 0) throw new Error(`expected a multiple of ${SLOW_STEP} pairs a bin, got ${pairsABin}`);
const SEED = 20260;
const BANDING = { bands: 30, rows: 5 };
const PAIRS_A_CALL = 1000;
const NPM_BAND_ROWS = 4;
const PEER_BANDING = {
  datatrove: [14, 8],
  "datatrove-tuned": [30, 5],
  "text-dedup": [25, 10],
  datasketch: [14, 9],
  fastsketch: [16, 8],
  "npm minhash": [32, 4],
};

const bit = (value) => (value ? "1" : "0");

/** "1" for each pair of texts 2 * i and 2 * i + 1 that shares a band key. */
function candidates(engine, texts) {
  const { text, offsets } = packTexts(texts);
  const options = { ...SHINGLING, ...BANDING, seed: 0n, simd: "auto" };
  const { bandKeys } = engineOf(engine).signDocuments(text, offsets, options);
  const found = [];
  for (let pair = 0; pair < texts.length; pair += 2) {
    let shared = false;
    for (let at = pair; at < bandKeys.length && !shared; at += texts.length) shared = bandKeys[at] === bandKeys[at + 1];
    found.push(bit(shared));
  }
  return found.join("");
}

function similarities(texts) {
  const sets = shingleSetsOf(texts);
  return Array.from({ length: texts.length / 2 }, (_, pair) => {
    const [a, b] = [sets[2 * pair], sets[2 * pair + 1]];
    const common = intersectionSize(a, b);
    return common / (a.length + b.length - common);
  });
}

/** Codes of words, and what of them a peer needs. */
function coder() {
  const codes = new Map();
  return (words) =>
    words
      .map((word) => {
        if (!codes.has(word)) codes.set(word, codes.size.toString(36));
        return codes.get(word);
      })
      .join(" ");
}

function npmMinhashShares(line) {
  const [a, b] = line.split("\t").map((words) => {
    const list = words.split(" ");
    return signatureOf(new Set(list.slice(4).map((_, i) => list.slice(i, i + 5).join(" "))));
  });
  return Array.from({ length: a.hashvalues.length / NPM_BAND_ROWS }, (_, band) => band * NPM_BAND_ROWS).some((from) =>
    a.hashvalues.slice(from, from + NPM_BAND_ROWS).every((value, i) => value === b.hashvalues[from + i]),
  );
}

/**
 * All pairs: bin, language, exact similarity, and whether native (and js, on the slow ones) makes them candidates. The corpus
 * for the stage and the peers' input are written on the way.
 */
async function measureOurs(corpus, peerInput) {
  const pairs = [];
  const peerLines = [];
  for (const language of Object.keys(LANGUAGES)) {
    const began = performance.now();
    const code = coder();
    const seconds = [];
    let batch = [];
    const isSlow = (i) => (pairs.length + i) % SLOW_STEP === 0;
    const flush = () => {
      const texts = batch.flatMap((pair) => pair.texts);
      const [exact, native] = [similarities(texts), candidates("native", texts)];
      const slow = batch.filter((_, i) => isSlow(i));
      const js = candidates(
        "js",
        slow.flatMap((pair) => pair.texts),
      );
      const line = (side, i) =>
        `${JSON.stringify({ id: `${language}-${pairs.length + i}${"ab"[side]}`, text: batch[i].texts[side] })}\n`;
      appendFileSync(corpus, batch.map((_, i) => line(0, i)).join(""));
      seconds.push(...batch.map((_, i) => line(1, i)));
      peerLines.push(...slow.map(({ words }) => words.map(code).join("\t")));
      batch = batch.map(({ bin }, i) => {
        const pair = { language, bin, similarity: exact[i], native: native[i] };
        return isSlow(i) ? { ...pair, js: js[Math.floor(i / SLOW_STEP)] } : pair;
      });
      pairs.push(...batch);
      batch = [];
    };
    for await (const pair of generatePairs(language, pairsABin, SEED)) {
      batch.push(pair);
      if (batch.length === PAIRS_A_CALL) flush();
    }
    flush();
    // Second documents behind all first ones, so that no pair is found because its documents are neighbours.
    appendFileSync(corpus, seconds.join(""));
    console.log(
      `${language}: ${BINS.length * pairsABin} pairs in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
  }
  writeFileSync(peerInput, `${peerLines.join("\n")}\n`);
  return { pairs, peerLines };
}

const slowOf = (pairs) => pairs.filter(({ js }) => js !== undefined);

/** Measured share and theory of the pairs of each bin. */
function curve(pairs, verdict, banding) {
  return BINS.map(([from, below], bin) => {
    const inBin = pairs.filter((pair) => pair.bin === bin);
    const found = inBin.filter((pair) => verdict(pair) === "1").length;
    const mean = (value) => inBin.reduce((sum, pair) => sum + value(pair.similarity), 0) / inBin.length;
    return {
      from,
      below,
      similarity: mean((similarity) => similarity),
      pairs: inBin.length,
      found,
      ...wilson(found, inBin.length),
      ...(banding ? { theory: mean((similarity) => candidateChance(similarity, ...banding)) } : {}),
    };
  });
}

function peerTools(pairs, peerLines, peerInput) {
  const slow = slowOf(pairs);
  const verdicts = { "npm minhash": peerLines.map((line) => bit(npmMinhashShares(line))).join("") };
  if (hasPeer("regex")) {
    const output = run(python, ["-B", "test/bench/peers/banding.py", peerInput, String(threads)]);
    Object.assign(verdicts, JSON.parse(output.trim().split("\n").at(-1)).peers);
  } else console.log(`${python} has no peers`);
  return Object.entries(verdicts).map(([name, bits]) => {
    const numbered = slow.map((pair, i) => ({ ...pair, verdict: bits[i] }));
    return { name, bins: curve(numbered, ({ verdict }) => verdict, PEER_BANDING[name]) };
  });
}

const ZONES = [
  [0.7, 0.72],
  [0.72, 0.8],
  [0.8, 1.01],
];

/** The corpus of all pairs through the command: oracle pairs of which both documents stayed, by similarity. */
function throughTheStage(corpus, oracle, folder, engine) {
  stage(["dedup", corpus, "--engine", engine], corpus, folder);
  const keptIds = new Set(Array.from(readDocuments(join(folder, "out", "kept.jsonl")), ({ id }) => id));
  const zones = ZONES.map(([from, below]) => {
    const pairs = oracle.pairs.filter(([, , similarity]) => similarity >= from && similarity < below);
    const missed = pairs.filter(([a, b]) => keptIds.has(a) && keptIds.has(b)).length;
    return { from, below, pairs: pairs.length, missed, found: wilson(pairs.length - missed, pairs.length) };
  });
  return { engine, zones, ...judge(oracle, keptIds) };
}

export async function recall(folder) {
  const [corpus, peerInput] = [join(folder, "corpus.jsonl"), join(folder, "pairs.tsv")];
  const { pairs, peerLines } = await measureOurs(corpus, peerInput);
  const banding = [BANDING.bands, BANDING.rows];
  const tools = [
    { name: "millrace native", bins: curve(pairs, ({ native }) => native, banding) },
    { name: "millrace js", bins: curve(slowOf(pairs), ({ js }) => js, banding) },
    ...peerTools(pairs, peerLines, peerInput),
  ];
  const languages = Object.keys(LANGUAGES).map((language) => {
    const own = pairs.filter((pair) => pair.language === language);
    return {
      language,
      native: curve(own, ({ native }) => native, banding),
      js: curve(slowOf(own), ({ js }) => js, banding),
    };
  });
  const oracle = oracleOfFile(corpus);
  const stages = ["native", "js"].map((engine) => throughTheStage(corpus, oracle, folder, engine));
  const result = { pairs_a_bin_and_language: pairsABin, seed: SEED, ...BANDING, tools, languages, stages };
  console.log(`\n${recallTables(result)}`);
  if (pairsABin === FULL_SIZE) {
    const rounded = JSON.stringify(
      result,
      (_, value) => (Number.isFinite(value) ? Number(value.toFixed(5)) : value),
      1,
    );
    writeFileSync(join(root, "docs/dedup-recall.json"), `${rounded}\n`);
    const [native, , ...peers] = tools;
    writeFileSync(join(root, "docs/dedup-recall.svg"), drawSCurve(BANDING, native.bins, peers));
    console.log("\nwritten to docs/dedup-recall.json and docs/dedup-recall.svg");
  }
  return [result];
}
