// The status page: what the host loop writes is what the supervisor reads, at the offsets of the C header.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { HostRow, readStatusPage, statusPageBytes, writeStatusHeader } from "#src/formats/status-page.js";

function pageOf(numRanks: number): ArrayBuffer {
  const page = new ArrayBuffer(statusPageBytes(numRanks));
  writeStatusHeader(page, numRanks, 4711);
  return page;
}

describe("the status page", () => {
  test("gives back what the host loop wrote", () => {
    const page = pageOf(2);
    const host = new HostRow(page, 2);
    host.set("computing", "waiting for a batch", 7);
    host.tick();
    const read = readStatusPage(new Uint8Array(page))!;
    expect(read.processId).toBe(4711);
    expect(read.ranks).toHaveLength(2);
    expect(read.ranks[0]).toEqual({ ticks: 0n, collective: 0, step: 0, state: "idle", operation: "" });
    expect(read.host).toEqual({
      ticks: 2n,
      collective: 0,
      step: 7,
      state: "computing",
      operation: "waiting for a batch",
    });
  });

  test("reads a rank's row where the C header puts it", () => {
    const page = pageOf(2);
    const view = new DataView(page, 128 + 256);
    view.setBigUint64(0, 5n, true);
    view.setBigUint64(8, 812n, true);
    view.setBigUint64(16, 12n, true);
    view.setUint32(32, 2, true);
    new Uint8Array(page, 128 + 256 + 40).set(new TextEncoder().encode("layer 3 mlp g forward\0old text"));
    expect(readStatusPage(new Uint8Array(page))!.ranks[1]).toEqual({
      ticks: 5n,
      collective: 812,
      step: 12,
      state: "waiting",
      operation: "layer 3 mlp g forward",
    });
  });

  test("agrees with the header's sizes and magic number", () => {
    const header = readFileSync(
      fileURLToPath(new URL("../../../native/include/millrace/status_page.h", import.meta.url)),
      "utf8",
    );
    const constant = (name: string) => BigInt(header.match(new RegExp(`#define ${name} (\\w+?)(?:ull)?\\s`))![1]!);
    expect(statusPageBytes(3)).toBe(Number(constant("MR_STATUS_HEADER_BYTES") + 4n * constant("MR_STATUS_ROW_BYTES")));
    expect(new DataView(pageOf(1)).getBigUint64(0, true)).toBe(constant("MR_STATUS_MAGIC"));
  });

  test("cuts operations that are too long and ends them with a zero", () => {
    const page = pageOf(0);
    new HostRow(page, 0).set("idle", "x".repeat(500), 0);
    expect(readStatusPage(new Uint8Array(page))!.host.operation).toBe("x".repeat(127));
  });

  test("is undefined while it is not wholly there", () => {
    const page = new Uint8Array(pageOf(2));
    expect(readStatusPage(page.subarray(0, 100))).toBeUndefined();
    expect(readStatusPage(page.subarray(0, page.length - 1))).toBeUndefined();
    expect(readStatusPage(new Uint8Array(page.length))).toBeUndefined();
  });
});
