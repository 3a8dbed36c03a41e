// Decoding into UTF-8, in MB/s of the input, beside Node's TextDecoder (whose text must still be encoded, and which decodes some of these wrongly)
// and iconv-lite, in rounds of all three: `npm run bench -- encodings`.
import iconv from "iconv-lite";
import { createTranscoder } from "../../dist/read/encodings/index.js";
import { rounds } from "./compare.mjs";

const CHUNK_BYTES = 2 ** 20;
const CHARACTERS = 4_000_000;
const ENGLISH =
  "The quick brown fox jumps over the lazy dog, and nobody minds that it does so for the third time today. ";
const FRENCH =
  "D\u00e8s No\u00ebl o\u00f9 un z\u00e9phyr ha\u00ef me v\u00eat de gla\u00e7ons w\u00fcrmiens, je d\u00eene d\u2019exquis r\u00f4tis de b\u0153uf au kir. ";
const RUSSIAN =
  "\u0421\u044a\u0435\u0448\u044c \u0435\u0449\u0451 \u044d\u0442\u0438\u0445 \u043c\u044f\u0433\u043a\u0438\u0445 \u0431\u0443\u043b\u043e\u043a. ";
const JAPANESE = "\u543e\u8f29\u306f\u732b\u3067\u3042\u308b\u3002\u540d\u524d\u306f\u307e\u3060\u7121\u3044\u3002";
const CASES = [
  ["utf-16le", "English", ENGLISH],
  ["utf-16be", "Russian", RUSSIAN],
  ["windows-1252", "English", ENGLISH],
  ["windows-1252", "French", FRENCH],
  ["windows-1251", "Russian", RUSSIAN],
  ["shift_jis", "Japanese", JAPANESE],
  ["gb18030", "Japanese", JAPANESE],
];

const WAYS = {
  millrace: (encoding) => {
    const transcoder = createTranscoder(encoding);
    return (chunk) => transcoder.push(chunk);
  },
  TextDecoder: (encoding) => {
    const decoder = new TextDecoder(encoding);
    return (chunk) => Buffer.from(decoder.decode(chunk, { stream: true }));
  },
  "iconv-lite": (encoding) => {
    const decoder = iconv.getDecoder(encoding);
    return (chunk) => Buffer.from(decoder.write(chunk));
  },
};

export async function encodings() {
  const table = [];
  for (const [encoding, text, sentence] of CASES) {
    const input = iconv.encode(sentence.repeat(CHARACTERS / sentence.length), encoding, { addBOM: false });
    const best = {};
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, make] of Object.entries(WAYS)) {
        const decode = make(encoding);
        const start = performance.now();
        for (let at = 0; at < input.length; at += CHUNK_BYTES) decode(input.subarray(at, at + CHUNK_BYTES));
        // The first round compiles.
        if (round > 0) best[name] = Math.max(best[name] ?? 0, input.length / (performance.now() - start) / 1000);
      }
    }
    table.push({ encoding, text, megabytesPerSecond: best });
    const shown = Object.entries(best).map(([name, speed]) => `${name} ${speed.toFixed(0)}`);
    console.log(`${encoding}, ${text}: ${shown.join(", ")} MB/s, the best of ${rounds} rounds`);
  }
  return table;
}
