import { expect, test } from "vitest";
import { boundGarbage, collectGarbage, collectMuchGarbage } from "#src/base/garbage.js";

const MEGABYTE = 2 ** 20;
const megabytes = (): number => process.memoryUsage().arrayBuffers / MEGABYTE;

/** Arrays of 32 MB that nobody holds when it returns. */
function leaveArrays(): void {
  for (let i = 0; i < 32; i += 1) new Uint8Array(MEGABYTE).fill(1);
}

test("in a thread that is not bounded nothing is collected by hand", () => {
  leaveArrays();
  const before = megabytes();
  collectGarbage();
  collectMuchGarbage();
  expect(megabytes()).toBe(before);
});

// V8 gives array buffers back in a thread of its own, soon after it has collected them.
test("in a bounded thread dead arrays go between tasks and, when there are many, within one", async () => {
  boundGarbage();
  collectGarbage();
  await expect.poll(megabytes, { timeout: 30_000 }).toBeLessThan(8);
  const least = megabytes();
  leaveArrays();
  expect(megabytes()).toBeGreaterThan(least + 16);
  collectMuchGarbage();
  await expect.poll(megabytes, { timeout: 30_000 }).toBeLessThan(least + 1);
});
