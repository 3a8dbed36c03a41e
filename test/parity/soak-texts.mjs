// Random Unicode strings for soak.mjs: runs of many kinds, one behind the other. Never a lone surrogate, which no UTF-8 has.

/** First and last code point of letters, digits and signs of scripts. */
const SCRIPTS = [
  [0x20, 0x7e],
  [0x61, 0x7a],
  [0x41, 0x5a],
  [0x30, 0x39],
  [0xa0, 0xff],
  [0x100, 0x24f],
  [0x250, 0x2af],
  [0x370, 0x3ff],
  [0x400, 0x52f],
  [0x531, 0x589],
  [0x591, 0x5f4],
  [0x600, 0x6ff],
  [0x700, 0x74f],
  [0x780, 0x7b1],
  [0x7c0, 0x7fa],
  [0x900, 0x97f],
  [0x980, 0x9fe],
  [0xa01, 0xa76],
  [0xa81, 0xaff],
  [0xb01, 0xb77],
  [0xb82, 0xbfa],
  [0xc00, 0xc7f],
  [0xc80, 0xcf2],
  [0xd00, 0xd7f],
  [0xd81, 0xdf4],
  [0xe01, 0xe5b],
  [0xe81, 0xedf],
  [0xf00, 0xfda],
  [0x1000, 0x109f],
  [0x10a0, 0x10ff],
  [0x1100, 0x11ff],
  [0x1200, 0x139f],
  [0x13a0, 0x13fd],
  [0x1400, 0x167f],
  [0x1680, 0x16f8],
  [0x1780, 0x17f9],
  [0x1800, 0x18aa],
  [0x1c80, 0x1cbf],
  [0x1e00, 0x1fff],
  [0x2c00, 0x2dff],
  [0x3040, 0x30ff],
  [0x3105, 0x312f],
  [0x3400, 0x34ff],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4c6],
  [0xa640, 0xa7ff],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfb00, 0xfdff],
  [0xfe70, 0xfefc],
  [0xff01, 0xffee],
  [0x10330, 0x1034a],
  [0x10400, 0x1044f],
  [0x10d40, 0x10d8f],
  [0x11000, 0x1147f],
  [0x12000, 0x123ff],
  [0x13000, 0x1342f],
  [0x16ea0, 0x16ed3],
  [0x1e900, 0x1e95f],
  [0x20000, 0x2a6df],
  [0x2f800, 0x2fa1d],
  [0x30000, 0x323af],
];

const MARKS = [
  [0x300, 0x36f],
  [0x483, 0x489],
  [0x591, 0x5bd],
  [0x64b, 0x65f],
  [0x93c, 0x94d],
  [0xe31, 0xe4e],
  [0xf71, 0xf84],
  [0x1161, 0x1175],
  [0x11a8, 0x11c2],
  [0x1ab0, 0x1add],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20f0],
  [0x3099, 0x309a],
  [0xa802, 0xa806],
  [0xfe20, 0xfe2f],
  [0x1e8d0, 0x1e8d6],
  [0x1d165, 0x1d182],
];

const SIGNS = [
  [0x21, 0x2f],
  [0x3a, 0x40],
  [0x5b, 0x60],
  [0x7b, 0x7e],
  [0xa1, 0xbf],
  [0x2010, 0x205e],
  [0x2070, 0x209c],
  [0x20a0, 0x20c1],
  [0x2100, 0x218b],
  [0x2190, 0x23ff],
  [0x2460, 0x24ff],
  [0x2500, 0x27bf],
  [0x3000, 0x303f],
  [0x3200, 0x33ff],
  [0x1d400, 0x1d7ff],
  [0x1f000, 0x1faff],
  [0x1fb00, 0x1fbff],
];

const CONTROLS = [
  [0, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x600, 0x605],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff0, 0xffff],
  [0x1bca0, 0x1bca3],
  [0xe0001, 0xe007f],
];

/** Private use, no characters yet or never, selectors of variants. */
const NOWHERE = [
  [0xe000, 0xf8ff],
  [0xf0000, 0xf00ff],
  [0x10fffe, 0x10ffff],
  [0x378, 0x379],
  [0x2fe0, 0x2fef],
  [0xfdd0, 0xfdef],
  [0x1fffe, 0x1ffff],
  [0x40000, 0xdffff],
  [0xfe00, 0xfe0f],
  [0xe0100, 0xe01ef],
];

const SPACES = [
  ..."     \n\n\t\r\u00a0\u3000\u2003\u2028\u0085\u1680\u202f\v\f\u2581\u0120",
  "\r\n",
  "  ",
  "    ",
  " \n",
];

const EMOJI = [
  "\u{1f468}",
  "\u{1f469}",
  "\u{1f467}",
  "\u{1f3f4}",
  "\u{1f3f3}",
  "\u2764",
  "\u{1f600}",
  "\u26f9",
  "\u{1f44b}",
  "#",
  "3",
  "\u{1f9d1}",
  "\u{1fae8}",
  "\u{1fadf}",
];
const JOINTS = [
  "\u200d",
  "\ufe0f",
  "\ufe0e",
  "\u20e3",
  "\u{1f3fb}",
  "\u{1f3ff}",
  "\u{1f1e9}\u{1f1ea}",
  "\u{1f1fa}",
  "\u{e0067}\u{e0062}\u{e007f}",
  "",
];

/** Tokens and what looks like some, of all tokenizers. */
const TOKENS =
  "<|endoftext|> <|im_start|> <|im_end|> <s> </s> <unk> <pad> [SEP] [CLS] [UNK] [MASK] <tool> <TOOL> <tool><tool> [INST] <0x41> <0xE2> <0x0A> ##ing ##a </w> \u2581 \u2581the \u2581\u2581 \u0120the \u010a <sep> New York 's 'S 'll 'LL 're ' 'd".split(
    " ",
  );

const CASES = [
  "\u0130",
  "\u0131",
  "\u017f",
  "\u212a",
  "\u00df",
  "\u1e9e",
  "\u03a3",
  "\u03c2",
  "\u01c5",
  "\ufb03",
  "\u0149",
  "\u1f80",
  "\u1fbc",
  "\u2126",
  "\u00b5",
  "\u{10d50}",
  "\u{1e921}",
];

/** XorShift32; numbers from 0 to bound - 1. */
export function generator(seed) {
  let state = seed >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** A function that draws one string; `passages`: real text, of which it takes pieces. */
export function drawing(seed, passages) {
  const below = generator(seed);
  const one = (list) => list[below(list.length)];
  const character = ([first, last]) => {
    const code = first + below(last - first + 1);
    return String.fromCodePoint(code >= 0xd800 && code < 0xe000 ? code - 0x800 : code);
  };
  const many = (most, draw) => {
    let run = "";
    for (let n = 1 + below(most); n > 0; n -= 1) run += draw();
    return run;
  };
  const word = (most) => {
    const script = one(SCRIPTS);
    return many(most, () => character(script));
  };
  const passage = (most) => {
    const text = one(passages);
    const begin = below(text.length);
    return text.slice(begin, begin + 1 + below(most)).toWellFormed();
  };
  const kinds = [
    () => many(4, () => character([0, 0x10ffff])),
    () => word(8),
    () => many(2, () => word(6) + one(SPACES)),
    () => many(4, () => word(1) + many(3, () => character(one(MARKS)))),
    () => many(4, () => one(EMOJI) + one(JOINTS)),
    () => many(3, () => character(one(CONTROLS))),
    () => many(3, () => character(one(NOWHERE))),
    () => many(3, () => character([0x10000, 0x10ffff])),
    () => many(4, () => character(one(SIGNS))),
    () => many(4, () => one(SPACES)),
    () => passage(16),
    () => passage(9) + character(one([...CONTROLS, ...MARKS, ...SIGNS])) + passage(9),
    () => one(TOKENS) + (below(2) === 0 ? one(SPACES) : ""),
    () => passage(6) + one(TOKENS) + passage(6),
    () => many(3, () => one(CASES) + word(2)),
    () => word(1).repeat(1 + below(16)),
    () => one(["1", "12", "1234567", "3.14", "\u0663\u0664", "x9y", "a1"]),
  ];
  return () => {
    let text = "";
    for (let n = below(3) + (below(40) === 0 ? 9 : 0); n >= 0; n -= 1) text += one(kinds)();
    return text;
  };
}
