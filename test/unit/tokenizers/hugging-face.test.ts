// What of a tokenizer.json is refused, where it is read from, and what its documents end with. Its ids are compared with the
// official library's in test/parity/tokenizer-json.test.ts.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MillraceError } from "#src/base/errors.js";
import { withoutGoingBack } from "#src/tokenizers/hugging-face/long-runs.js";
import { expressionFinder } from "#src/tokenizers/hugging-face/regular-expression.js";
import { loadTokenizer, type Tokenizer, tokenizerFiles, vocabularyFiles } from "#src/tokenizers/index.js";
import { tokenizerFolders } from "./tokenizer-folders.js";

const folderOf = tokenizerFolders();

const BYTES = [...Array.from({ length: 94 }, (_, i) => 0x21 + i), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
const ALPHABET = [...BYTES, ...range(0x100, 0x143)].map((cp) => String.fromCharCode(cp));
const vocab = Object.fromEntries([...ALPHABET, "ab", "<|endoftext|>"].map((token, id) => [token, id]));
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const model = { type: "BPE", vocab, merges: [["a", "b"]] };
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
const end = { id: 257, content: "<|endoftext|>", ...flags };
const good = {
  version: "1.0",
  added_tokens: [end],
  normalizer: null,
  pre_tokenizer: byteLevel,
  decoder: byteLevel,
  model,
};
const general = { type: "BPE", unk_token: "?", vocab: { "?": 0, a: 1, b: 2, aa: 3, "</s>": 4 }, merges: ["a a"] };

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const load = (file: unknown, end = ""): Tokenizer => loadTokenizer(folderOf({ "tokenizer.json": file }) + end);
const ids = (tokenizer: Tokenizer, text: string): number[] => Array.from(tokenizer.encode(text));

describe("a tokenizer.json", () => {
  test("is the same as vocab.json and merges.txt of the same vocabulary", () => {
    const files = folderOf({ "vocab.json": vocab, "merges.txt": "#version: 0.2\na b\n" });
    const [json, text] = [load(good), loadTokenizer(files)];
    expect(json.fingerprint).toBe(text.fingerprint);
    expect(ids(json, "ab <|endoftext|>")).toEqual(ids(text, "ab <|endoftext|>"));
    expect(load({ ...good, model: { ...model, merges: [] } }).fingerprint).not.toBe(text.fingerprint);
    expect(load({ ...good, model: { ...model, ignore_merges: true } }).fingerprint).not.toBe(text.fingerprint);
  });

  test("is the same as vocab.txt of the same vocabulary", () => {
    const tokens = ["[UNK]", "[SEP]", "a", "##b", "A"];
    const bert = {
      added_tokens: [],
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      },
    };
    const text = loadTokenizer(
      folderOf({ "vocab.txt": `${tokens.join("\n")}\n`, "tokenizer_config.json": { do_lower_case: true } }),
    );
    expect(load(bert).fingerprint).toBe(text.fingerprint);
    expect(ids(load(bert), "AB \u00e5b x")).toEqual(ids(text, "AB \u00e5b x"));
    const cased = { ...bert, normalizer: { ...bert.normalizer, lowercase: false } };
    expect(load(cased).fingerprint).not.toBe(text.fingerprint);
  });

  const refusals: [string, object, string][] = [
    ["normalizer", { normalizer: { type: "Uppercase" } }, 'for normalizer.type, got "Uppercase"'],
    [
      "nested pre-tokenizer",
      { pre_tokenizer: { type: "Sequence", pretokenizers: [byteLevel, { type: "Nope" }] } },
      'for pre_tokenizer.pretokenizers[1].type, got "Nope"',
    ],
    ["decoder", { decoder: { type: "CTC" } }, 'for decoder.type, got "CTC"'],
    ["model", { model: { type: "Unigram" } }, 'expected BPE or WordPiece for model.type, got "Unigram"'],
    [
      "setting",
      { pre_tokenizer: { ...byteLevel, lowercase: true } },
      'for the fields of pre_tokenizer, got "lowercase"',
    ],
    ["version", { version: "2.0" }, 'expected "1.0" for version, got "2.0"'],
    ["dropout", { model: { ...model, dropout: 0.1 } }, "expected null for model.dropout, got 0.1"],
    [
      "merge",
      { model: { ...general, merges: ["a x"] } },
      'expected tokens of the vocabulary ("x" is none) for model.merges[0], got "a x"',
    ],
    ["merge of three", { model: { ...general, merges: ["a a a"] } }, 'for model.merges[0], got "a a a"'],
    ["id", { model: { ...model, vocab: { a: -1 } } }, "for model.vocab.a, got -1"],
    [
      "expression",
      { pre_tokenizer: { type: "Split", pattern: { Regex: "(a" }, behavior: "Isolated", invert: false } },
      'expected a regular expression with a translation for pre_tokenizer.pattern.Regex, got "(a"',
    ],
    [
      "expression of clusters",
      { pre_tokenizer: { type: "Split", pattern: { Regex: "\\X" }, behavior: "Isolated", invert: false } },
      "expected a regular expression with a translation for pre_tokenizer.pattern.Regex",
    ],
    [
      "behavior",
      { pre_tokenizer: { type: "Punctuation", behavior: "Kept" } },
      'for pre_tokenizer.behavior, got "Kept"',
    ],
    [
      "flag",
      { added_tokens: [{ ...end, special: "yes" }] },
      'expected true or false for added_tokens[0].special, got "yes"',
    ],
    [
      "metaspace of two minds",
      { pre_tokenizer: { type: "Metaspace", replacement: "_", prepend_scheme: "always", add_prefix_space: false } },
      "for pre_tokenizer.add_prefix_space, got false",
    ],
  ];
  test.each(refusals)("with an unknown or wrong %s is refused by its path", (_what, changed, message) => {
    const folder = folderOf({ "tokenizer.json": { ...good, ...changed } });
    const error = ((): unknown => {
      try {
        return loadTokenizer(folder);
      } catch (thrown) {
        return thrown;
      }
    })() as MillraceError;
    expect(error.message).toContain(message);
    expect([error.code, error.where?.file]).toEqual(["config-tokenizer", join(folder, "tokenizer.json")]);
  });

  test("that is no JSON is refused", () => {
    expect(() => loadTokenizer(folderOf({ "tokenizer.json": "{" }))).toThrow("expected JSON for the tokenizer");
  });

  test("that cannot spell a character leaves it out, or says it is unknown", () => {
    const { unk_token: _, ...silent } = general;
    expect(ids(load({ model: general }), "axaa")).toEqual([1, 0, 3]);
    expect(ids(load({ model: silent }), "axaa")).toEqual([3, 1]);
  });

  test("encodes two megabytes of one letter, in one piece", () => {
    const ids = load({ model: general }).encode("a".repeat(2_000_001));
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([1_000_001, 3, 1]);
  });
});

describe("an expression that goes back through nothing", () => {
  const space = "\\p{space}+(?!\\P{space})";
  const expressions = [
    `'s|'t| ?\\p{L}+| ?\\p{N}+| ?[^\\p{space}\\p{L}\\p{N}]+|${space}|\\p{space}+`,
    `[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\p{space}*[\\r\\n]+|${space}|\\p{space}+`,
    "[[a-z]--[t]]+|(?:a|b)+x*|[\\|\\)\\]]+",
  ];
  test.each(expressions)("matches what %s matches", (source) => {
    const patient = withoutGoingBack(source);
    expect(patient).not.toBe(source);
    for (const text of ["a  b", " \n\n a", "   ", "it's  1234\r\n\n x ", "ttaabxxx|)]", "\u00e9 \u4e16\u754c  !!"]) {
      expect(text.match(new RegExp(patient, "gv"))).toEqual(text.match(new RegExp(source, "gv")));
    }
  });

  test("serves where a match is too long for Node", () => {
    const split = { type: "Split", pattern: { Regex: "\\p{L}+|\\s+" }, behavior: "Removed", invert: true };
    const tokenizer = load({ model: { ...general, merges: [] }, pre_tokenizer: split });
    expect(tokenizer.encode(`${"a".repeat(6_000_000)} b`)).toHaveLength(6_000_002);
  });
});

describe("documents end with", () => {
  const two = { ...good, added_tokens: [end, { ...end, content: "</s>" }] };

  test("the token that a configuration beside the file declares", () => {
    const files = { "tokenizer.json": two, "tokenizer_config.json": { eos_token: { content: "</s>" } } };
    const folder = folderOf(files);
    expect(loadTokenizer(folder).endOfDocumentId).toBe(258);
    expect(tokenizerFiles(folder)).toEqual(Object.keys(files).map((name) => join(folder, name)));
    const older = folderOf({ "tokenizer.json": two, "special_tokens_map.json": { eos_token: "<|endoftext|>" } });
    expect(loadTokenizer(older).endOfDocumentId).toBe(257);
  });

  test("the token that is asked for, which is part of the fingerprint", () => {
    const [first, second] = [load(two, "#<|endoftext|>"), load(two, "#</s>")];
    expect([first.endOfDocumentId, second.endOfDocumentId]).toEqual([257, 258]);
    expect(first.fingerprint).not.toBe(second.fingerprint);
    expect(() => load(two, "#ab")).toThrow('expected a special token for the end of documents, got "ab"');
  });

  test("nothing that must be guessed", () => {
    expect(() => load(two)).toThrow("got <|endoftext|> and </s>");
    expect(() => load({ model: { ...general, vocab: { "?": 0, a: 1, aa: 2 } } })).toThrow(
      "for the tokenizer, got none",
    );
    expect(() => load({ model: { ...general, unk_token: "</s>" } })).toThrow("for model.unk_token");
  });

  test("an id that no text becomes, also where the library takes a text for the token", () => {
    const vocab = { "?": 0, "</s>": 1, a: 2 };
    const tokenizer = load({ model: { type: "BPE", unk_token: "?", vocab, merges: [], ignore_merges: true } });
    expect(ids(tokenizer, "</s>")).not.toContain(tokenizer.endOfDocumentId);
    expect(tokenizer.endOfDocumentId).toBe(1);
  });
});

describe("a name", () => {
  test("of a folder means tokenizer.json first, and of a file what it ends with", () => {
    const files = { "tokenizer.json": good, "vocab.json": vocab, "merges.txt": "", "vocab.txt": "[UNK]\n[SEP]\n" };
    const folder = folderOf(files);
    expect(ids(loadTokenizer(folder), "ab")).toEqual([vocab.ab]);
    expect(ids(loadTokenizer(join(folder, "tokenizer.json")), "ab")).toEqual([vocab.ab]);
    expect(loadTokenizer(join(folder, "vocab.txt")).vocabSize).toBe(2);
    expect(vocabularyFiles(folder)).toEqual({
      vocabFile: join(folder, "vocab.json"),
      mergesFile: join(folder, "merges.txt"),
    });
    expect(() => vocabularyFiles(folderOf({ "tokenizer.json": good }))).toThrow("expected vocab.json and merges.txt");
  });

  test("of a hub is refused with the way out", () => {
    const hint = "give the path of its tokenizer.json or vocab.txt";
    expect(() => loadTokenizer("bert-base-uncased")).toThrow(
      expect.objectContaining({ code: "config-tokenizer", hint: expect.stringContaining(hint) }),
    );
  });
});

test("a byte without a token makes what is said of unknown tokens part of the fingerprint, as it decides ids", () => {
  const { "1": _one, ...rest } = vocab;
  const unknownAs = (unknown: string) => load({ ...good, model: { ...model, vocab: rest, unk_token: unknown } });
  const [first, second] = [unknownAs("!"), unknownAs('"')];
  expect(ids(first, "a1")).not.toEqual(ids(second, "a1"));
  expect(first.fingerprint).not.toBe(second.fingerprint);
});

// Replace(Regex(pattern), "Q") of the official library 0.23.3 on "5 m\u00b2 \u00bd".
test.each([
  ["[^\\w\\s]+", "5 mQ Q"],
  ["[\\w]+", "Q Q\u00b2 \u00bd"],
  ["\\w+", "Q Q Q"],
  ["[^\\w]", "5QmQQQ"],
  ["[\\W\\d]+", "QmQ"],
  ["[\\w&&[^\\d]]", "5 Q\u00b2 \u00bd"],
  ["\\w+|[^\\w\\s]+", "Q Q Q"],
])("the words of %s are Oniguruma's, in brackets and outside", (pattern, expected) => {
  const text = "5 m\u00b2 \u00bd";
  const { ends, isMatch } = expressionFinder(pattern)(text);
  const parts = ends.map((end, i) => (isMatch[i] ? "Q" : text.slice(ends[i - 1] ?? 0, end)));
  expect(parts.join("")).toBe(expected);
});

test.each([
  "(?i)\\p{Lu}",
  "(?i)[\\p{Ll}\\d]",
  "\\p{Word}",
])("%s, which the engines read differently, is refused", (pattern) => {
  expect(() => expressionFinder(pattern)).toThrow("none");
});

test("of an added token that is white space nothing is left where the one before has taken it", () => {
  const space = { id: 258, content: "\n\n", ...flags, lstrip: true, rstrip: true, special: false };
  const tokenizer = load({ ...good, added_tokens: [end, space] });
  // The official library gives three ids: a, the token, b.
  expect(ids(tokenizer, "a\n\n\n\nb")).toHaveLength(3);
  // A run is gone through once, not once a token in it.
  expect(ids(tokenizer, `a${"\n".repeat(2_000_000)}b`)).toHaveLength(3);
});
