import { expect, test } from "vitest";
import { Ring, ringBytes } from "#src/load/ring.js";

const shape = { depth: 3, rows: 5, width: 7 };

test("slots do not overlap, and their samples are aligned for 64 bits", () => {
  const ring = new Ring(shape);
  for (let slot = 0; slot < shape.depth; slot++) {
    ring.tokens(slot).fill(slot + 1);
    ring.samples(slot).fill(BigInt(10 * (slot + 1)));
  }
  for (let slot = 0; slot < shape.depth; slot++) {
    expect(ring.state(slot)).toBe("free");
    expect(Array.from(ring.tokens(slot))).toEqual(new Array(35).fill(slot + 1));
    expect(Array.from(ring.samples(slot))).toEqual(new Array(5).fill(BigInt(10 * (slot + 1))));
    expect(ring.samples(slot).byteOffset % 64).toBe(0);
    expect(ring.tokens(slot).byteOffset % 64).toBe(0);
  }
});

test("a slot goes free, filled, in use, free; any other step is refused", () => {
  const ring = new Ring(shape);
  ring.move(1, "free", "filled");
  expect(() => ring.move(1, "free", "filled")).toThrow("expected slot 1 to be free before it is filled, got filled");
  ring.move(1, "filled", "in use");
  expect(() => ring.move(1, "filled", "in use")).toThrow("got in use");
  ring.move(1, "in use", "free");
  expect([0, 1, 2].map((slot) => ring.state(slot))).toEqual(["free", "free", "free"]);
});

test("two rings over one buffer are one ring", () => {
  const ring = new Ring(shape);
  const other = new Ring(shape, ring.buffer);
  other.tokens(2)[0] = 42;
  other.move(2, "free", "filled");
  expect([ring.tokens(2)[0], ring.state(2)]).toEqual([42, "filled"]);
  expect(() => new Ring({ ...shape, depth: 4 }, ring.buffer)).toThrow(
    `expected a ring of ${ringBytes({ ...shape, depth: 4 })} bytes`,
  );
});
