// What a tokenizer.json cannot be trained with is refused where it is loaded, with a way out: not at the first text that needs
// it. Hostile files are refused, or read, in bounded time.
import { describe, expect, test } from "vitest";
import type { MillraceError } from "#src/base/errors.js";
import { expressionFinder } from "#src/tokenizers/hugging-face/regular-expression.js";
import { endsWithin } from "#src/tokenizers/hugging-face/time-limit.js";
import { loadTokenizer, type Tokenizer } from "#src/tokenizers/index.js";
import { type TokenizerFiles, tokenizerFolders } from "./tokenizer-folders.js";

const folderOf = tokenizerFolders();

const load = (file: unknown): Tokenizer => loadTokenizer(folderOf({ "tokenizer.json": file }));
const ids = (tokenizer: Tokenizer, text: string): number[] => Array.from(tokenizer.encode(text));

/** Message and hint. */
function refusal(files: TokenizerFiles): [string, string | undefined] {
  try {
    loadTokenizer(folderOf(files));
  } catch (thrown) {
    const { code, message, hint } = thrown as MillraceError;
    expect(code).toBe("config-tokenizer");
    return [message, hint];
  }
  throw new Error("nothing was refused");
}

const refused = (file: unknown): [string, string | undefined] => refusal({ "tokenizer.json": file });

const vocab = { a: 0, b: 1, ab: 2, "</s>": 3 };
const model = { type: "BPE", unk_token: "<unk>", vocab, merges: ["a b"] };
const bytes = Object.fromEntries(
  Array.from({ length: 256 }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, 10 + byte]),
);
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };

describe("an unknown token that the vocabulary has not", () => {
  test("is refused in a BPE by file and field, with a way out that keeps the ids", () => {
    const [message, hint] = refused({ model });
    expect(message).toBe('expected a token of the model\'s own vocabulary for model.unk_token, got "<unk>"');
    expect(hint).toContain("set it to null");
    expect(ids(load({ model: { ...model, unk_token: null } }), "abxa")).toEqual([2, 0]);
    expect(ids(load({ model: { ...model, vocab: { ...vocab, "<unk>": 4 } } }), "abxa")).toEqual([2, 4, 0]);
  });

  test("is refused although it is an added token: the official library looks in the model", () => {
    const added = [{ id: 9, content: "<unk>", ...flags, special: true }];
    expect(refused({ model, added_tokens: added })[0]).toContain("for model.unk_token");
  });

  test("is refused in a WordPiece", () => {
    const piece = {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: { a: 0, "[SEP]": 1 },
    };
    expect(refused({ model: piece })[0]).toContain('for model.unk_token, got "[UNK]"');
  });

  test("is nothing to a model that spells every character in bytes", () => {
    const whole = { ...model, byte_fallback: true, vocab: { ...vocab, ...bytes } };
    expect(ids(load({ model: whole }), "abx")).toEqual([2, 10 + 0x78]);
    const { "<0xFF>": _, ...short } = bytes;
    expect(refused({ model: { ...whole, vocab: { ...vocab, ...short } } })[0]).toContain("for model.unk_token");
  });
});

describe("a merge behind a line of the version", () => {
  const versioned = { ...model, vocab: { ...vocab, "<unk>": 4 } };

  test("is named by its own place in the list", () => {
    const merges = ["#version: 0.2", "a b", "a c"];
    expect(refused({ model: { ...versioned, merges } })[0]).toContain('for model.merges[2], got "a c"');
    expect(refused({ model: { ...versioned, merges: ["#version: 0.2", "a b c"] } })[0]).toContain("model.merges[1]");
    expect(refused({ model: { ...versioned, merges: ["a b", "a c"] } })[0]).toContain("model.merges[1]");
  });
});

describe("a model of another type is refused with", () => {
  const unigram = { model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } };

  test("the file to give instead, of a unigram model", () => {
    expect(refused(unigram)[1]).toContain("tokenizer.model, spiece.model");
    expect(refusal({ "tokenizer.json": unigram, "spiece.model": "x" })[1]).toMatch(/spiece\.model$/);
  });

  test("what serves in its place, of a model of words", () => {
    expect(refused({ model: { type: "WordLevel", unk_token: "x", vocab } })[1]).toContain("millrace tokenizer train");
  });

  test("what it lacks, without a type", () => {
    expect(refused({ model: { vocab } })[1]).toContain("have merges or max_input_chars_per_word");
    expect(refused({ model: { type: "Chars" } })[1]).toBeUndefined();
  });
});

describe("added tokens that are alike when normalized", () => {
  const known = { ...model, vocab: { ...vocab, "<unk>": 4 } };
  const alike = (fields: object) => ["<T>", "<t>"].map((content, i) => ({ id: 5 + i, content, ...flags, ...fields }));
  const lowercase = { type: "Lowercase" };

  test("are refused by their names", () => {
    const file = { model: known, normalizer: lowercase, added_tokens: alike({ normalized: true }) };
    const [message, hint] = refused(file);
    expect(message).toContain('("<T>" and "<t>" are both "<t>")');
    expect(hint).toContain("leave one out");
    expect(ids(load({ ...file, added_tokens: alike({}) }), "a<T><t>")).toEqual([0, 5, 6]);
  });

  test("are ordinary text where both are special", () => {
    const file = { model: known, normalizer: lowercase, added_tokens: alike({ normalized: true, special: true }) };
    expect(ids(load(file), "a<T>")).toEqual([0, 4, 4, 4]);
  });

  test("of which nothing is left are never found", () => {
    const strip = { type: "Strip", strip_left: true, strip_right: true };
    const added = [{ id: 5, content: " ", ...flags, normalized: true }];
    expect(ids(load({ model: known, normalizer: strip, added_tokens: added }), "a b")).toEqual([0, 4, 1]);
  });
});

describe("named properties in expressions", () => {
  const split = (pattern: string) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  });
  const matches = (pattern: string, text: string): boolean => expressionFinder(pattern)(text).isMatch[0]!;

  test("are those of Unicode 16, whatever Node knows", () => {
    // U+16EA0 is a capital of Unicode 17, U+16EBB its small letter; U+1C89 a capital of Unicode 16.
    for (const pattern of ["\\p{Upper}", "\\p{Alphabetic}", "[[:alpha:]]", "\\p{XIDS}", "\\p{Cased}"]) {
      expect([pattern, matches(pattern, "\u{16ea0}"), matches(pattern, "\u1c89")]).toEqual([pattern, false, true]);
    }
    expect(matches("\\p{Lower}", "\u{16ebb}")).toBe(false);
    expect([matches("\\p{^Lower}", "\u{16ebb}"), matches("\\P{Lower}", "a")]).toEqual([true, false]);
    expect(matches("\\p{Unified_Ideograph}", "\u{323b0}")).toBe(false);
  });

  test("are found by their other names, in any spelling", () => {
    for (const name of ["Han", "hani", "HAN", "Unified_Ideograph", "unified ideograph", "UIdeo"]) {
      expect([name, matches(`\\p{${name}}`, "\u4e16"), matches(`\\p{${name}}`, "a")]).toEqual([name, true, false]);
    }
    expect([matches("[\\p{Han}&&[^\u4e16]]", "\u4e16"), matches("[[:graph:]]", "a")]).toEqual([false, true]);
    expect([matches("\\p{Punct}", "$"), matches("[[:punct:]]", "$")]).toEqual([false, true]);
  });

  test("that no table has are refused by name", () => {
    expect(refused({ model: { ...model, unk_token: null }, pre_tokenizer: split("\\p{Soft_Dotted}+") })[1]).toContain(
      "the characters of \\p{Soft_Dotted} are not known here",
    );
  });
});

describe("a hostile file", () => {
  const known = { ...model, unk_token: null };
  const text = (changes: object, from: string, to: string) =>
    JSON.stringify({ model: known, ...changes }).replace(from, to);

  test("of components in one another without end is refused", () => {
    const deep = `${'{"type":"Sequence","pretokenizers":['.repeat(50_000)}{"type":"WhitespaceSplit"}${"]}".repeat(50_000)}`;
    expect(refused(text({ pre_tokenizer: "?" }, '"?"', deep))[0]).toContain("at most 128 values in one another");
    const some = `${'{"type":"Sequence","pretokenizers":['.repeat(50)}{"type":"WhitespaceSplit"}${"]}".repeat(50)}`;
    expect(ids(load(text({ pre_tokenizer: "?" }, '"?"', some)), "ab ab")).toEqual([2, 2]);
    const lists = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    expect(refused(text({ version: "?" }, '"?"', lists))[0]).toBe('expected "1.0" for version, got a list of 1');
  });

  test.each(["-1", "1e999", "1.5", "2147483648"])("with the id %s is refused by its token", (id) => {
    const [message] = refused(text({}, '"b":1', `"b":${id}`));
    expect(message).toContain("expected an id from 0 to 16777215 for model.vocab.b, got ");
    expect(message).not.toContain("null");
  });

  test("with half of a surrogate pair is refused, with a whole one it is not", () => {
    for (const half of ["\\ud83d", "\\ude00", "\\ud83dx\\ude00", "\\ude00\\ud83d"]) {
      expect(refused(text({}, '"b":1', `"b":1,"${half}":7`))[0]).toContain("half of a surrogate pair");
    }
    expect(ids(load(text({}, '"b":1', '"b":1,"\\ud83d\\ude00":7,"\\\\ud83d":8')), "\u{1f600}")).toEqual([7]);
  });

  test("of a list is refused", () => {
    expect(refused("[1]")[0]).toBe("expected an object for the file, got [1]");
  });
});

describe("a search without end", () => {
  const endless = () => void /(a+)+$/u.exec(`${"a".repeat(60)}!`);

  test("is broken off, and others after it are not", () => {
    expect(endsWithin(100, endless)).toBe(false);
    const done: string[] = [];
    expect(endsWithin(60_000, () => void done.push("it"))).toBe(true);
    expect(done).toEqual(["it"]);
  });

  test("is told from one that the machine had no time for, which is begun anew", () => {
    let begun = 0;
    const slow = () => {
      begun += 1;
      // Ends at the third time.
      if (begun < 3) endless();
    };
    // A clock that stands still, as that of a process does which is stopped; then one that runs.
    expect(endsWithin(20, slow, () => 0)).toBe(true);
    expect(begun).toBeGreaterThanOrEqual(3);
    begun = 0;
    let ms = 0;
    const running = () => {
      ms += 19;
      return ms;
    };
    expect(endsWithin(20, slow, running)).toBe(false);
    expect(begun).toBe(1);
  });

  test("is told from a task that throws", () => {
    const throwing = () => {
      throw new TypeError("of the task");
    };
    expect(() => endsWithin(60_000, throwing)).toThrow(TypeError);
  });
});
