import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { boundGarbage, collectGarbage, collectMuchGarbage } from "#src/base/garbage.js";

const MEGABYTE = 2 ** 20;
const megabytes = (): number => process.memoryUsage().arrayBuffers / MEGABYTE;

/** Arrays of 32 MB that nobody holds when it returns. */
function leaveArrays(): void {
  for (let i = 0; i < 32; i += 1) new Uint8Array(MEGABYTE).fill(1);
}

/** Collections that `work` asked for; V8's own, which come when they like, are none of them. */
async function numForced(work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as PerformanceEntry & { readonly detail: { readonly flags: number } };
      if ((detail.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) count += 1;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  work();
  // The entry of a collection is made in the next turn of the loop and seen in one after it.
  for (let i = 0; i < 10; i += 1) await turn();
  observer.disconnect();
  return count;
}

test("in a thread that is not bounded nothing is collected by hand", async () => {
  const collectAll = () => {
    leaveArrays();
    collectGarbage();
    collectMuchGarbage();
  };
  expect(await numForced(collectAll)).toBe(0);
  boundGarbage();
  expect(await numForced(collectAll)).toBeGreaterThan(0);
});

// V8 gives array buffers back in a thread of its own, soon after it has collected them.
test("in a bounded thread dead arrays go between tasks and, when there are many, within one", async () => {
  boundGarbage();
  collectGarbage();
  await expect.poll(megabytes, { timeout: 300_000 }).toBeLessThan(8);
  const least = megabytes();
  leaveArrays();
  expect(megabytes()).toBeGreaterThan(least + 16);
  collectMuchGarbage();
  await expect.poll(megabytes, { timeout: 300_000 }).toBeLessThan(least + 1);
});
