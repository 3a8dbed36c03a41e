// The user's own command on an object store: whatever it reads from there, it writes what it writes for the same files here,
// also when the store fails, when it is killed, and not when an object changes under it.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Fault, type ObjectStore, startObjectStore } from "../fixtures/object-store.js";
import { startCommand } from "./command.js";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const BUCKET = "s3://corpus";
const SECRET = "the-key-of-these-tests";
let folder: string;
let store: ObjectStore;
let objects: Map<string, Buffer>;

/** Documents of 150 words and more; every tenth is nearly the one before. */
function documents(name: string, count: number): Record<string, string>[] {
  const text = (i: number): string =>
    Array.from({ length: 150 + (i % 50) }, (_, at) => `${name}${(i * 7919 + at * at * 31) % 4001}`).join(" ");
  return Array.from({ length: count }, (_, i) => ({
    id: `${name}-${i}`,
    text: i % 10 === 9 ? `${text(i - 1)} more` : text(i),
    lang: "en",
  }));
}

const lines = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "remote-"));
  objects = new Map([
    ["in/a.jsonl", Buffer.from(lines(documents("a", 1100)))],
    ["in/more/b.jsonl.gz", gzipSync(lines(documents("b", 400)))],
    ["in/more/page 1.txt", Buffer.from(documents("t", 1)[0]!.text!)],
    [
      "in/more/u.csv",
      Buffer.from(
        `\ufeffid,text\n${documents("u", 300)
          .map(({ id, text }) => `${id},${text}\n`)
          .join("")}`,
        "utf16le",
      ),
    ],
    ["in/more/w.txt", Buffer.from(`\ufeff${documents("w", 1)[0]!.text}`, "utf16le").swap16()],
    ["in/c.json", Buffer.from(JSON.stringify(documents("c", 200)))],
    ["in/.hidden.jsonl", Buffer.from("not read\n")],
    ["in/README.md", Buffer.from("not read either\n")],
  ]);
  for (const [key, bytes] of objects) {
    mkdirSync(join(folder, key, ".."), { recursive: true });
    writeFileSync(join(folder, key), bytes);
  }
  store = await startObjectStore({ pageSize: 2 });
  store.buckets.set("corpus", new Map(objects));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: store.endpoint,
    AWS_ACCESS_KEY_ID: "someone",
    AWS_SECRET_ACCESS_KEY: SECRET,
  });
});
afterEach(() => {
  store.fault = undefined;
  store.buckets.set("corpus", new Map(objects));
});
afterAll(async () => {
  for (const name of ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) delete process.env[name];
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const millrace = (...args: string[]) => startCommand(cli, args, folder);

/** The data of an output folder: everything that does not tell of the run itself. */
function dataOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, dir), { recursive: true, withFileTypes: true })) {
    const path = relative(join(folder, dir), join(entry.parentPath, entry.name));
    if (!entry.isFile() || /^(journal|plan|stage|summary|recall|statistics)|^\.millrace/.test(path)) continue;
    // Rejected records name their file, which is another one.
    const bytes = readFileSync(join(folder, dir, path))
      .toString("latin1")
      .replaceAll(BUCKET, folder);
    found[path] = createHash("sha256").update(bytes, "latin1").digest("hex");
  }
  return found;
}

/** One request in five fails, by each fault in turn. */
function unreliable(): (request: { method: string }) => Fault | undefined {
  const faults: Fault[] = [
    { kind: "status", status: 503, code: "SlowDown" },
    { kind: "reset", afterBytes: 2000 },
    { kind: "short", bytes: 100 },
    { kind: "status", status: 500, code: "InternalError" },
  ];
  let numRequests = 0;
  return () => {
    numRequests += 1;
    return numRequests % 5 === 0 ? faults[(numRequests / 5) % faults.length] : undefined;
  };
}

const CLEAN_ARGS = ["in/", "in/c.json"];

test("clean, dedup and shard write the same bytes from an unreliable store as from this machine", async () => {
  const remote = CLEAN_ARGS.map((path) => `${BUCKET}/${path}`);
  for (const [stage, here, there, options] of [
    ["clean", CLEAN_ARGS, remote, []],
    ["dedup", ["in/**/*.{jsonl,gz}"], [`${BUCKET}/in/**/*.{jsonl,gz}`], []],
    ["shard", ["in"], [`${BUCKET}/in`], ["--tokenizer", "gpt2"]],
  ] as const) {
    await millrace(stage, ...here, ...options, "--out", `${stage}-here`).exit;
    store.fault = unreliable();
    const before = store.requests.length;
    await millrace(stage, ...there, ...options, "--out", `${stage}-there`).exit;
    store.fault = undefined;
    expect(store.requests.length - before).toBeGreaterThan(10);
    const data = dataOf(`${stage}-there`);
    expect(Object.keys(data).length).toBeGreaterThan(1);
    expect(data).toEqual(dataOf(`${stage}-here`));
  }
});

test("a finished run is up to date without a byte being read, and verified from the store", async () => {
  const before = store.requests.length;
  await millrace("dedup", `${BUCKET}/in/**/*.{jsonl,gz}`, "--out", "dedup-there").exit;
  const asked = store.requests.slice(before);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter(({ method, key }) => method === "GET" && key !== "")).toEqual([]);
  await millrace("dedup", "verify", "dedup-there").exit;
});

test("a run that is killed in the middle goes on and writes the same bytes", async () => {
  await millrace("clean", "in/a.jsonl", "--out", "whole").exit;
  let numReads = 0;
  const command = millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", "killed", "--workers", "1");
  store.fault = ({ method }) => {
    numReads += method === "GET" ? 1 : 0;
    if (numReads === 3) command.kill();
    return undefined;
  };
  expect(await command.exit).toBeNull();
  store.fault = undefined;
  expect(readdirSync(join(folder, "killed"))).not.toContain("stage.json");
  await millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", "killed").exit;
  expect(dataOf("killed")).toEqual(dataOf("whole"));
});

test("an object that changes while it is read stops the run, and the next one reads all of the new one", async () => {
  const changed = Buffer.from(lines(documents("z", 1100)));
  let numReads = 0;
  store.fault = ({ method }) => {
    numReads += method === "GET" ? 1 : 0;
    if (numReads === 3) store.buckets.get("corpus")!.set("in/a.jsonl", changed);
    return undefined;
  };
  const run = () => millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", "changing", "--workers", "1").exit;
  await expect(run()).rejects.toThrow(/exit 1\n.*expected s3:\/\/corpus\/in\/a\.jsonl as it was when the run began/s);
  await run();
  mkdirSync(join(folder, "new"));
  writeFileSync(join(folder, "new/a.jsonl"), changed);
  await millrace("clean", "new/a.jsonl", "--out", "changed").exit;
  expect(dataOf("changing")).toEqual(dataOf("changed"));
  expect(dataOf("changing")).not.toEqual(dataOf("whole"));
});

test("what cannot be read is refused with one sentence before any work", async () => {
  await expect(millrace("clean", "s3://nobody/x.jsonl", "--out", "never").exit).rejects.toThrow(
    /exit 2\n.*inputs\.0\.path: expected the bucket s3:\/\/nobody, found none of that name/s,
  );
  store.fault = () => ({ kind: "status", status: 403, code: "AccessDenied" });
  await expect(millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", "never").exit).rejects.toThrow(
    /exit 1\n.*expected to be allowed to read .*, got 403\n.*AWS_ACCESS_KEY_ID/s,
  );
  store.fault = undefined;
  await expect(millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", `${BUCKET}/out`).exit).rejects.toThrow(
    /exit 2\n.*expected a folder for out/s,
  );
  writeFileSync(
    join(folder, "without.cjs"),
    `const Module = require("node:module");
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  if (name === "opendal") throw new Error("no such package");
  return resolve(name, ...rest);
};`,
  );
  process.env.NODE_OPTIONS = `--require ${join(folder, "without.cjs")}`;
  try {
    const command = millrace("clean", `${BUCKET}/in/a.jsonl`, "--out", "never");
    await expect(command.exit).rejects.toThrow(/exit 1\n.*expected the package opendal, .*\n.*npm install opendal@/s);
  } finally {
    delete process.env.NODE_OPTIONS;
  }
  expect(readdirSync(folder)).not.toContain("never");
});

test("an http server is read by the address of each file", async () => {
  await millrace("clean", `${store.endpoint}/corpus/in/a.jsonl`, "--out", "http").exit;
  expect(dataOf("http")).toEqual(dataOf("whole"));
});

test("no file that a run leaves holds the secret", () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const holding = (text: string): number =>
    files.filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(text)).length;
  expect(holding(SECRET)).toBe(0);
  expect(holding(`${BUCKET}/in/a.jsonl`)).toBeGreaterThan(0);
});
