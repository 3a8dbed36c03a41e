// The js engine's kernels beside the native ones, function by function on generated input: the same bits, signatures aside.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SignatureOptions } from "#src/native/dedup.js";
import type { ScanOptions } from "#src/native/read.js";
import { native } from "#src/native.js";
import type { DedupEngine } from "#src/text/engine.js";
import { jsEngine } from "#src/text/js/engine.js";
import { file, NESTED, READ } from "./lines.js";

const engines = (): readonly DedupEngine[] => [native(), jsEngine];

/** What both engines make of the same input; arrays that a function changes are each engine's own. */
function both<R>(make: (engine: DedupEngine) => R): void {
  const [expected, found] = engines().map(make);
  expect(found).toEqual(expected);
}

const OPTIONS: SignatureOptions = { unit: "word", size: 5, bands: 4, rows: 2, seed: 7n, simd: "auto" };
const SHINGLINGS = [
  { unit: "word", size: 5 },
  { unit: "word", size: 1 },
  { unit: "char", size: 5 },
  { unit: "char", size: 40 },
] as const;

// Letters of many scripts, marks, digits, punctuation, case pairs with long foldings, unspaced scripts, all lengths of UTF-8.
const character = fc.constantFrom(
  ..."aAbBzZ09 .,-_'\n\t",
  ..."\u00e9\u00c9\u0301\u0308\u00df\u1e9e\ufb01\u0130\u0131\u03a3\u03c3\u03c2\u0390\u1f88\u1fb3\u0345\u13a0\uab70\u212a\u2126",
  ..."\u624b\u6a5f\u3042\u30ab\u30fc\u3099\u0e01\u0e32\u0e49\u0e81\u1780\u17b6\u1000\u103b",
  ..."\uac00\u1100\u1161\u11a8\u0643\u0627\u0915\u094d\u0937\u05d0\u2160\u00bd\u24b6\u226e\u0000\ufeff",
  "\u{1d400}",
  "\u{1f600}",
  "\u{20000}",
);
const word = fc.oneof(
  fc.array(character, { maxLength: 6 }).map((characters) => characters.join("")),
  // Around the borders of the 8- and 16-byte chunks that hashes are made of.
  fc.integer({ min: 1, max: 70 }).map((length) => "x".repeat(length)),
  fc.constantFrom("the", "of", "cat", "Stra\u00dfe", "\u4e2d\u6587", "!?"),
);
const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(" "));
const texts = fc.array(text, { maxLength: 5 });

function rowsOf(values: readonly string[]): { bytes: Uint8Array; offsets: Uint32Array } {
  const buffers = values.map((value) => Buffer.from(value));
  const offsets = new Uint32Array(values.length + 1);
  for (const [i, buffer] of buffers.entries()) offsets[i + 1] = offsets[i]! + buffer.length;
  return { bytes: new Uint8Array(Buffer.concat(buffers)), offsets };
}

describe("of documents", () => {
  for (const shingling of SHINGLINGS) {
    test(`shingle sets and all columns but band keys, by ${shingling.unit}:${shingling.size}`, () => {
      fc.assert(
        fc.property(texts, (values) => {
          const { bytes, offsets } = rowsOf(values);
          const rows = Uint32Array.from(values.keys()).reverse();
          both((engine) => engine.shingleSets(bytes, offsets, rows, shingling));
          both((engine) => {
            const { bandKeys, ...columns } = engine.signDocuments(bytes, offsets, { ...OPTIONS, ...shingling });
            return [bandKeys.length, columns];
          });
        }),
        { numRuns: 400 },
      );
    });
  }

  test("every character that this Node knows, before and behind letters", () => {
    const BATCH = 4096;
    let numCharacters = 0;
    for (let first = 0; first < 0x110000; first += BATCH) {
      const codes = Array.from({ length: BATCH }, (_, i) => first + i).filter(
        (code) => code < 0xd800 || code >= 0xe000,
      );
      const characters = codes.map((code) => String.fromCodePoint(code)).filter((one) => !/\p{Cn}/u.test(one));
      numCharacters += characters.length;
      const { bytes, offsets } = rowsOf(characters.map((one) => `x${one}Y ${one}`));
      const rows = Uint32Array.from(characters.keys());
      const [expected, found] = engines().map((engine) => {
        const sets = engine.shingleSets(bytes, offsets, rows, { unit: "char", size: 2 });
        return [Buffer.from(sets.hashes.buffer), Buffer.from(sets.offsets.buffer)];
      });
      for (const i of [0, 1]) if (!expected![i]!.equals(found![i]!)) expect.fail(`from U+${first.toString(16)} on`);
    }
    expect(numCharacters).toBeGreaterThan(280_000);
  });

  test("128-bit hashes of any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (values) => {
        const offsets = new Uint32Array(values.length + 1);
        for (const [i, value] of values.entries()) offsets[i + 1] = offsets[i]! + value.length;
        const bytes = new Uint8Array(Buffer.concat(values));
        both((engine) => engine.hashRows(bytes, offsets));
      }),
    );
  });

  const nested = { ...NESTED, scoreField: "k.y" };
  for (const [name, read] of [
    ["plain fields", { ...READ, scoreField: "score" }],
    ["fields by shared paths", nested],
    ["a text field that a path passes by", { ...READ, idField: "a.id", scoreField: "a.k.y", maxDocumentBytes: 25 }],
  ] as readonly (readonly [string, ScanOptions])[]) {
    test(`all that signLines tells of any lines, and shingleLines of its documents, with ${name}`, () => {
      let numDocuments = 0;
      fc.assert(
        fc.property(file, (bytes) => {
          both((engine) => {
            // A copy each: pieces may be changed in place.
            const { bandKeys, ...lines } = engine.signLines(bytes.slice(), read, OPTIONS);
            return lines;
          });
          const { recordOffset, recordLength } = jsEngine.signLines(bytes.slice(), read, OPTIONS);
          const begins = Uint32Array.from(recordOffset, (offset) => offset - read.baseOffset);
          both((engine) => engine.shingleLines(bytes.slice(), begins, recordLength, read, SHINGLINGS[0]));
          numDocuments += begins.length;
        }),
        { numRuns: 800, seed: 11 },
      );
      expect(numDocuments).toBeGreaterThan(100);
    });
  }

  test("a text of one more word gives other bits in both engines", () => {
    const [a, b] = [rowsOf(["one two three"]), rowsOf(["one two three four"])];
    const sign = (engine: DedupEngine, { bytes, offsets }: typeof a) =>
      engine.signDocuments(bytes, offsets, OPTIONS).contentHashes;
    expect(sign(jsEngine, a)).not.toEqual(sign(native(), b));
  });
});

/** Few different values, so that they meet; of all sizes, so that halves carry. */
const hash = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.constantFrom(2n ** 64n - 1n, 2n ** 63n, 2n ** 32n, 2n ** 32n - 1n, 2n ** 63n + 5n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const hashes = (maxLength: number): fc.Arbitrary<bigint[]> => fc.array(hash, { maxLength });

function setRows(sets: readonly (readonly bigint[])[]): { hashes: BigUint64Array; offsets: Uint32Array } {
  const sorted = sets.map((set) => BigUint64Array.from(new Set(set)).sort());
  const offsets = new Uint32Array(sets.length + 1);
  for (const [i, set] of sorted.entries()) offsets[i + 1] = offsets[i]! + set.length;
  return { hashes: BigUint64Array.from(sorted.flatMap((set) => [...set])), offsets };
}

describe("of rows of hashes", () => {
  test("selectPart, with one word and with two, of every part", () => {
    fc.assert(
      fc.property(
        hashes(40),
        fc.constantFrom(1, 2),
        fc.integer({ min: 1, max: 7 }),
        fc.nat(20),
        fc.uint8Array({ maxLength: 9 }),
        (values, words, parts, first, bits) => {
          const rows = BigUint64Array.from(values.slice(0, values.length - (values.length % words)));
          const numRows = rows.length / words;
          const excluded = new Uint8Array(bits.length === 0 ? 0 : Math.ceil((first + numRows) / 8));
          excluded.set(bits.slice(0, excluded.length));
          both((engine) => {
            const outHashes = new BigUint64Array(rows.length * parts + words);
            const outDocuments = new Uint32Array(numRows * parts + 1);
            let at = 1;
            for (let part = 0; part < parts; part += 1) {
              at = engine.selectPart(rows, words as 1 | 2, part, parts, first, excluded, outHashes, outDocuments, at);
            }
            return [at, outHashes.slice(0, at * words), outDocuments.slice(0, at)];
          });
        },
      ),
    );
  });

  test("equalGroups, sortUnique and orderDocuments", () => {
    fc.assert(
      fc.property(hashes(60), (values) => {
        const even = BigUint64Array.from(values.slice(0, values.length - (values.length % 2)));
        both((engine) => engine.equalGroups(even.slice()));
        both((engine) => {
          const sorted = BigUint64Array.from(values);
          const count = engine.sortUnique(sorted);
          return sorted.slice(0, count);
        });
        const keys = BigUint64Array.from({ length: even.length / 2 }, (_, i) => values[i]! % 3n);
        both((engine) => engine.orderDocuments(keys, even));
      }),
    );
  });

  test("groupKeys and pairGroups, with room for all pairs and with less", () => {
    fc.assert(
      fc.property(
        hashes(60),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 15, max: 60 }),
        (values, maxBucket, room) => {
          both((engine) => {
            const keys = BigUint64Array.from(values);
            const documents = Uint32Array.from(values, (_, i) => 3 * i);
            const count = engine.groupKeys(
              keys,
              documents,
              new BigUint64Array(keys.length),
              new Uint32Array(keys.length),
            );
            const [grouped, members] = [keys.slice(0, count), documents.slice(0, count)];
            const found: bigint[] = [];
            const crowded: number[] = [];
            const pairs = new BigUint64Array(room);
            for (let begin = 0; begin < count; ) {
              const { next, numPairs, crowded: more } = engine.pairGroups(grouped, members, begin, maxBucket, pairs);
              found.push(...pairs.subarray(0, numPairs));
              crowded.push(...more);
              expect(next).toBeGreaterThan(begin);
              begin = next;
            }
            return [count, BigUint64Array.from(found).sort(), Uint32Array.from(crowded).sort()];
          });
        },
      ),
    );
  });
});

describe("of sets", () => {
  test("intersectSets and intersectAbove of all pairs", () => {
    fc.assert(
      fc.property(fc.array(fc.array(hash, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 6 }), (sets) => {
        const { hashes, offsets } = setRows(sets);
        const pairs = Uint32Array.from(sets.flatMap((_, i) => sets.flatMap((__, j) => [i, j])));
        both((engine) => engine.intersectSets(hashes, offsets, pairs));
        for (const [n, d] of [
          [0, 1],
          [1, 2],
          [7, 10],
          [9999, 10000],
        ] as const) {
          both((engine) => engine.intersectAbove(hashes, offsets, pairs, n, d));
        }
      }),
    );
  });

  // Families of sets that differ by a few elements, so that there are pairs on both sides of a threshold.
  const family = fc
    .tuple(
      fc.uniqueArray(hash, { minLength: 1, maxLength: 40 }),
      fc.array(fc.array(fc.nat(39), { maxLength: 8 }), { minLength: 1, maxLength: 5 }),
    )
    .map(([base, drops]) => drops.map((dropped) => base.filter((_, i) => i === 0 || !dropped.includes(i))));
  const families = fc.array(family, { minLength: 1, maxLength: 5 }).map((sets) => sets.flat());

  for (const [seenBits, counterBits] of [
    [0, 0],
    [12, 10],
    [4, 1],
    [20, 0],
  ] as const) {
    for (const put of ["all", "kept"] as const) {
      test(`the join that keeps ${put}, with 2^${seenBits} and 2^${counterBits} counters`, () => {
        let numMatches = 0;
        fc.assert(
          fc.property(
            families,
            fc.constantFrom([7, 10], [1, 2], [0, 1]),
            fc.integer({ min: 1, max: 5 }),
            (sets, [n, d], step) => {
              both((engine) => {
                const { hashes, offsets } = setRows(sets);
                const join = engine.createJoin({
                  numerator: n!,
                  denominator: d!,
                  seenBits,
                  counterBits,
                  capacityBytes: 2 ** 24,
                });
                if (seenBits > 0) {
                  engine.countSets(join, hashes.subarray(0, offsets[1]));
                  engine.countSets(join, hashes.subarray(offsets[1]));
                  engine.selectSets(join, hashes, offsets);
                }
                const found: number[][] = [];
                const barred = Uint8Array.from(sets, (_, i) => (i % 7 === 3 ? 1 : 0));
                for (let begin = 0; begin < sets.length; begin += step) {
                  const end = Math.min(sets.length, begin + step);
                  const numbers = Uint32Array.from({ length: end - begin }, (_, i) => 2 * (begin + i));
                  const rows = offsets.slice(begin, end + 1).map((offset) => offset - offsets[begin]!);
                  const own = hashes.slice(offsets[begin], offsets[end]);
                  const { numTaken, matches } = engine.joinSets(
                    join,
                    numbers,
                    own,
                    rows,
                    put,
                    barred.subarray(begin, end),
                  );
                  found.push([numTaken, ...matches]);
                  numMatches += matches.length / 4;
                }
                engine.clearJoin(join);
                const after = engine.joinSets(
                  join,
                  Uint32Array.of(1),
                  hashes.slice(0, offsets[1]),
                  offsets.slice(0, 2),
                  "none",
                  new Uint8Array(0),
                );
                return [found, [...after.matches]];
              });
            },
          ),
          { numRuns: 150, seed: 3 },
        );
        expect(numMatches).toBeGreaterThan(200);
      });
    }
  }

  test("a join without room takes one set, and matches of sets that it does not take are not told", () => {
    const { hashes, offsets } = setRows([[1n, 2n, 3n], [1n, 2n, 3n, 4n], [9n]]);
    for (const engine of engines()) {
      const join = engine.createJoin({ numerator: 1, denominator: 2, seenBits: 0, counterBits: 0, capacityBytes: 1 });
      const numbers = Uint32Array.of(0, 1, 2);
      const { numTaken, matches } = engine.joinSets(join, numbers, hashes, offsets, "all", new Uint8Array(0));
      expect([numTaken, [...matches]]).toEqual([1, []]);
      const rest = { hashes: hashes.slice(3), offsets: Uint32Array.of(0, 4, 5) };
      const next = engine.joinSets(join, numbers.slice(1), rest.hashes, rest.offsets, "none", new Uint8Array(0));
      expect([next.numTaken, [...next.matches]]).toEqual([2, [0, 0, 3, 4]]);
    }
  });

  test("sets that share too little are refused by selectSets, those that may match are not", () => {
    const { hashes, offsets } = setRows([
      [1n << 40n, 2n << 40n, 3n << 40n],
      [1n << 40n, 2n << 40n, 3n << 40n, 4n << 40n],
      [7n << 50n, 8n << 50n],
    ]);
    for (const engine of engines()) {
      const join = engine.createJoin({
        numerator: 7,
        denominator: 10,
        seenBits: 24,
        counterBits: 10,
        capacityBytes: 2 ** 20,
      });
      engine.countSets(join, hashes);
      expect([...engine.selectSets(join, hashes, offsets)]).toEqual([1, 1, 0]);
    }
  });

  test("sketches of a sample meet the same rows at the same levels", () => {
    let numPairs = 0;
    fc.assert(
      fc.property(families, fc.integer({ min: 0, max: 6 }), (sets, minLevel) => {
        const sketches = new Uint32Array(16 * sets.length).fill(0xffffffff);
        for (const [row, set] of sets.entries()) {
          const values = [...new Set(set.map((value) => Number((value * 2654435761n) & 0xffffn)))].sort(
            (a, b) => a - b,
          );
          sketches.set(values.slice(0, 16), 16 * row);
        }
        const sampled = sketches.slice(0, 16 * Math.ceil(sets.length / 3));
        const taken = Uint8Array.from(sets, (_, i) => (i % 5 === 4 ? 0 : 1));
        both((engine) => {
          const matches = engine.matchSketches(engine.createSketchIndex(sampled), sketches, taken, minLevel);
          numPairs += matches.length / 3;
          // By row; the order inside a row is open.
          const rows = Array.from({ length: matches.length / 3 }, (_, i) => [...matches.slice(3 * i, 3 * i + 3)]);
          return rows.sort((a, b) => a[1]! - b[1]! || a[0]! - b[0]!);
        });
      }),
    );
    expect(numPairs).toBeGreaterThan(100);
  });
});
