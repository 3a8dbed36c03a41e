// The texts of hugging_face_texts.py, by the same rules.
import { xorshift32 } from "./xorshift32.js";

const ALPHABETS: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x61, 0x7a],
  [0x20, 0x20],
  [0x09, 0x0d],
  [0x30, 0x39],
  [0xa0, 0x17f],
  [0x300, 0x36f],
  [0x370, 0x3ff],
  [0x400, 0x45f],
  [0x5d0, 0x5ea],
  [0x620, 0x64a],
  [0x660, 0x669],
  [0x904, 0x939],
  [0xe01, 0xe3a],
  [0x10a0, 0x10ff],
  [0x1100, 0x1112],
  [0x1161, 0x1175],
  [0x13a0, 0x13ef],
  [0x1e00, 0x1eff],
  [0x2000, 0x206f],
  [0x2460, 0x24ff],
  [0x2581, 0x2581],
  [0x3000, 0x303f],
  [0x3041, 0x30fe],
  [0x4e00, 0x4fff],
  [0xac00, 0xacff],
  [0xf900, 0xfaff],
  [0xfb00, 0xfb06],
  [0xfe00, 0xfe0f],
  [0xff01, 0xff9f],
  [0xfff0, 0xffff],
  [0x10d40, 0x10dff],
  [0x1d400, 0x1d7ff],
  [0x1f1e6, 0x1f1ff],
  [0x1f300, 0x1f6ff],
  [0x20000, 0x200ff],
  [0xe0100, 0xe01ef],
];

const WORDS =
  "the The THE of and to in I'm don't you'll We'VE it's naive na\u00efve Stra\u00dfe \u0130stanbul \u03a3\u03a3 caf\u00e9 cafe\u0301 x1y2 2024 1,000.50 <|endoftext|> <s> </s> [SEP] [MASK] <tool> <Tool> <tool><tool> tooltool tool- ##ing un##able \u2581the \u2581 foo_bar getHTTPResponse // /* */ == != \u4f60\u597d\u4e16\u754c \u65e5\u672c\u8a9e\u3067\u3059 \uc548\ub155\ud558\uc138\uc694 \u041f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u{1f600} \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f1e9}\u{1f1ea} \ufb01ne \u2460\u2461 \u00bd \u0661\u0662\u0663 \ufeffbom soft\u00adhyphen nul\x00nul \ufffd".split(
    " ",
  );

const SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "", "", "\u00a0", "\u3000", " \n ", "."];

type Below = ReturnType<typeof xorshift32>;

function drawn(below: Below, [first, last]: readonly [number, number]): string {
  return String.fromCodePoint(first + below(last - first + 1));
}

export function randomText(below: Below, mostRuns: number): string {
  let text = "";
  for (let runs = below(mostRuns); runs > 0; runs -= 1) {
    if (below(2) === 0) {
      text += WORDS[below(WORDS.length)]!;
      text += SPACES[below(SPACES.length)]!;
      continue;
    }
    const alphabet = ALPHABETS[below(ALPHABETS.length)]!;
    for (let n = 1 + below(4); n > 0; n -= 1) text += drawn(below, alphabet);
  }
  return text;
}

export function randomTexts(seed: number, count: number, mostRuns = 16): string[] {
  const below = xorshift32(seed);
  return Array.from({ length: count }, () => randomText(below, mostRuns));
}

function whitespaceStorm(): string {
  const below = xorshift32(7);
  let text = "";
  for (let n = 0; n < 3000; n += 1) {
    text += SPACES[below(SPACES.length)]!;
    text += below(9) === 0 ? "a" : "";
  }
  return text;
}

function scriptTexts(): string[] {
  const below = xorshift32(11);
  return ALPHABETS.map((alphabet) =>
    Array.from({ length: 30 }, () => {
      let word = "";
      for (let n = 1 + below(8); n > 0; n -= 1) word += drawn(below, alphabet);
      return word;
    }).join(" "),
  );
}

export function fixedTexts(): string[] {
  const long = [
    "a".repeat(5000),
    "ab".repeat(2000),
    " ".repeat(3000),
    "\n".repeat(999),
    "\u4e16".repeat(2000),
    "\u2581".repeat(500),
    "1".repeat(2000),
    "=".repeat(999),
  ];
  const words = ["", " ", "\u2581", ...WORDS, WORDS.join(" "), WORDS.join("")];
  return [...words, ...long, whitespaceStorm(), ...scriptTexts()];
}
