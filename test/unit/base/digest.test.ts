import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, Digester, digestBytes, digestJson } from "#src/base/digest.js";

describe("a digest", () => {
  test("is XXH64 with its leading zeros", () => {
    expect(digestBytes(new Uint8Array())).toBe("xxh64:ef46db3751d8e999");
    expect(digestBytes(new TextEncoder().encode("abc"))).toBe("xxh64:44bc2cf5ad770999");
  });

  test("does not depend on how the bytes were cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        const digest = new Digester().update(bytes.subarray(0, at)).update(bytes.subarray(at)).digest();
        expect(digest).toBe(digestBytes(bytes));
      }),
    );
  });

  test("of one changed byte differs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (bytes, where) => {
        const changed = Uint8Array.from(bytes);
        changed[where % bytes.length]! ^= 1;
        expect(digestBytes(changed)).not.toBe(digestBytes(bytes));
      }),
    );
  });
});

describe("canonical JSON", () => {
  test("is the value again, and the same text for every order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("leaves out what is undefined and refuses what JSON cannot say", () => {
    expect(canonicalJson({ b: undefined, a: [1, { d: null, c: "x" }] })).toBe('{"a":[1,{"c":"x","d":null}]}');
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError);
    expect(() => canonicalJson({ a: 1n })).toThrow(TypeError);
  });

  test("of different values gives different digests", () => {
    expect(digestJson({ a: 1 })).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digestJson({ a: 1 })).not.toBe(digestJson({ a: "1" }));
    expect(digestJson([["a"], "b"])).not.toBe(digestJson(["a", ["b"]]));
  });
});
