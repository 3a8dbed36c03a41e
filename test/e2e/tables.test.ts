// The same documents as JSON lines, JSON, CSV, TSV, Parquet and Arrow through the user's own command: the same texts are kept,
// with any number of workers the same bytes, and a run that was killed goes on to them.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Table, tableFromArrays, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startObjectStore } from "../fixtures/object-store.js";
import { startCommand } from "./command.js";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const parity = fileURLToPath(new URL("../parity", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-tables-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function clean(input: string, out: string, workers: number, ...more: string[]): ReturnType<typeof startCommand> {
  const args = ["clean", input, "--out", out, "--workers", String(workers), "--min-tokens", "0", ...more];
  return startCommand(cli, args, folder);
}

const partsOf = (out: string): string[] =>
  readdirSync(join(folder, out))
    .filter((name) => name.startsWith("part-"))
    .sort()
    .map((name) => join(folder, out, name));

const documentsIn = (out: string): string[][] =>
  partsOf(out).flatMap((path) =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; text: string })
      .map(({ id, text }) => [id, text]),
  );

const digestOf = (out: string): string => {
  const hash = createHash("sha256");
  for (const path of [...partsOf(out), join(folder, out, "rejected/rejected.jsonl")]) hash.update(readFileSync(path));
  return hash.digest("hex");
};

const field = (value: string): string => `"${value.replaceAll('"', '""')}"`;

test("the same documents in any format are kept as the same texts", async () => {
  const { sets } = JSON.parse(readFileSync(join(parity, "golden-tables.json"), "utf8")) as {
    sets: Record<string, { ids: string[]; texts: string[] }>;
  };
  const { ids, texts } = sets.plain!;
  const documents = ids.map((id, i) => ({ id, text: texts[i]! }));
  const lines = (delimiter: string): string =>
    ["id,text".replace(",", delimiter), ...documents.map(({ id, text }) => id + delimiter + field(text))].join("\r\n");
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return name;
  };
  const inputs = [
    write("d.jsonl", documents.map((document) => `${JSON.stringify(document)}\n`).join("")),
    write("d.json", JSON.stringify(documents)),
    write("d.csv", lines(",")),
    write("d.csv.gz", gzipSync(lines(","))),
    write("d.tsv", lines("\t")),
    ...["snappy.parquet", "zstd.parquet", "file.arrow", "feather.feather", "stream.arrows"].map((name) =>
      join(parity, "tables", name),
    ),
  ];
  const runs = inputs.map((input, i) => ({ input, out: `all-${i}` }));
  for (let i = 0; i < runs.length; i += 2) {
    await Promise.all(runs.slice(i, i + 2).map(({ input, out }) => clean(input, out, 1).exit));
  }
  const [first, ...others] = runs.map(({ out }) => documentsIn(out));
  expect(first).toHaveLength(documents.length);
  for (const other of others) expect(other).toEqual(first);
});

test("tables in an object store are read in ranges there, and give what the same files give here", async () => {
  const names = ["none.parquet", "rich-v1.parquet", "file.arrow", "rich-lz4.arrows"];
  const objects = new Map(names.map((name) => [name, readFileSync(join(parity, "tables", name))]));
  objects.set("t.csv", Buffer.from('id,text\n1,"a\nb"\nbroken\n2,c\n'));
  mkdirSync(join(folder, "here"));
  for (const [name, bytes] of objects) writeFileSync(join(folder, "here", name), bytes);
  const store = await startObjectStore({ pageSize: 2 });
  try {
    store.buckets.set("tables", objects);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: store.endpoint,
      AWS_ACCESS_KEY_ID: "someone",
      AWS_SECRET_ACCESS_KEY: "a key",
    });
    const more = ["--max-rejected", "1"];
    await Promise.all([clean("here", "of-here", 1, ...more).exit, clean("s3://tables", "of-store", 1, ...more).exit]);
  } finally {
    await store.close();
  }
  // Two files bear the ids of two others.
  expect(documentsIn("of-here")).toHaveLength(50);
  expect(documentsIn("of-store")).toEqual(documentsIn("of-here"));
});

describe("a table of several blocks", () => {
  const numDocuments = 3000;
  const ids = Array.from({ length: numDocuments }, (_, i) => `d${i}`);
  const texts = ids.map((id, i) => `${id}\n"${"word ".repeat(100 + (i % 300))}`);

  beforeAll(() => {
    const rows = ids.map((id, i) => `${field(texts[i]!)},${id}\n${i === 7 ? "one field\n" : ""}`);
    const csv = Buffer.from(`text,id\n${rows.join("")}`);
    writeFileSync(join(folder, "big.csv"), csv);
    writeFileSync(join(folder, "big.csv.gz"), gzipSync(csv, { level: 1 }));
    const batches = Array.from({ length: 30 }, (_, i) => [i * 100, (i + 1) * 100] as const);
    const [first, ...rest] = batches.map(([start, end]) =>
      tableFromArrays({ id: ids.slice(start, end), text: texts.slice(start, end) }),
    );
    writeFileSync(join(folder, "big.arrow"), tableToIPC(first!.concat(...rest), "stream"));
    // The library's own writer of this form puts the schema into the footer alone, and takes each dictionary once.
    const plain = (values: string[]) => vectorFromArray(values, new Utf8());
    const parts = batches.map(
      (range) => new Table({ id: plain(ids.slice(...range)), text: plain(texts.slice(...range)) }),
    );
    writeFileSync(join(folder, "footer.arrow"), tableToIPC(parts[0]!.concat(...parts.slice(1)), "file"));
  });

  test.each([
    "big.csv",
    "big.csv.gz",
    "big.arrow",
    "footer.arrow",
  ])("%s gives the same bytes with one worker and two, and when it was killed on the way", async (name) => {
    await clean(name, `one-${name}`, 1).exit;
    expect(partsOf(`one-${name}`).length).toBeGreaterThan(1);
    expect(documentsIn(`one-${name}`).map(([id]) => id)).toEqual(ids);
    expect(
      readFileSync(join(folder, `one-${name}/rejected/rejected.jsonl`), "utf8")
        .trim()
        .split("\n"),
    ).toHaveLength(1);
    for (let wait = 300; ; wait *= 2) {
      const { exit, kill } = clean(name, `two-${name}`, 2);
      const timer = setTimeout(kill, wait);
      const code = await exit;
      clearTimeout(timer);
      if (code === 0) break;
    }
    expect(digestOf(`two-${name}`)).toBe(digestOf(`one-${name}`));
  });

  test("is refused by dedup, which copies lines as they stand", async () => {
    const args = ["dedup", "big.csv", "--out", "dedup"];
    await expect(startCommand(cli, args, folder).exit).rejects.toThrow("run `millrace clean` on it first");
  });
});
