// Files of object stores, against a store on the loopback interface that fails where it is told to.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { findRemote, identityOf, isRemote, listRemote, openStored, type StoredFile } from "#src/base/storage/index.js";
import { repeatedObject } from "../../fixtures/endless-object.js";
import { type Fault, type ObjectStore, type StoreRequest, startObjectStore } from "../../fixtures/object-store.js";

const SECRET = "a-secret-key-that-stands-nowhere";
const MIB = 2 ** 20;
/** Seconds that no answer takes, on however busy a machine; shorter ones are for answers that never come. */
const PATIENT = "60";
let store: ObjectStore;
let buckets = 0;

beforeAll(async () => {
  store = await startObjectStore({ pageSize: 3 });
  vi.stubEnv("AWS_ENDPOINT_URL", store.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "someone");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", SECRET);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("MILLRACE_STORE_ATTEMPTS", "3");
  vi.stubEnv("MILLRACE_STORE_TIMEOUT", PATIENT);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.close();
});
beforeEach(() => {
  store.fault = undefined;
  store.requests.length = 0;
});

/** A bucket of its own, so that no test sees the settings that another one's was opened with. */
function bucketOf(objects: Readonly<Record<string, Buffer>>): string {
  buckets += 1;
  store.buckets.set(`bucket-${buckets}`, new Map(Object.entries(objects)));
  return `s3://bucket-${buckets}`;
}

/** Bytes that differ everywhere, so that a shift of one is seen. */
function noise(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let i = 0, state = 1; i < sizeBytes; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

async function bytesOf(file: StoredFile, start?: number, end?: number, chunkBytes?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream(start, end, chunkBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The first `times` gets of an object meet the fault. */
function failing(times: number, fault: Fault): (request: StoreRequest) => Fault | undefined {
  let left = times;
  return ({ method, key }) => {
    if (method !== "GET" || key === "" || left === 0) return undefined;
    left -= 1;
    return fault;
  };
}

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string; hint?: string }> {
  return promise.then(
    () => expect.unreachable("it succeeded"),
    (error) => error,
  );
}

describe("a file here and the same bytes in a store", () => {
  const content = noise(5 * MIB + 4321);
  let folder: string;
  let uri: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "storage-"));
    await writeFile(join(folder, "a.bin"), content);
    uri = `${bucketOf({ "deep/a.bin": content })}/deep/a.bin`;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([
    "here",
    "in a store",
  ])("%s gives every range, as a stream, by position and into buffers", async (place) => {
    const file = await openStored(place === "here" ? join(folder, "a.bin") : uri);
    expect(file.sizeBytes).toBe(content.length);
    expect((await bytesOf(file)).equals(content)).toBe(true);
    const ranges = [
      [0, 1],
      [4 * MIB - 1, 4 * MIB + 1],
      [17, 5 * MIB],
      [content.length - 3, content.length + 100],
      [content.length, content.length],
    ] as const;
    for (const [start, end] of ranges) {
      const expected = content.subarray(start, end);
      expect((await bytesOf(file, start, end, 100_000)).equals(expected)).toBe(true);
      const buffer = Buffer.alloc(end - start);
      expect(await file.read(buffer, start)).toBe(expected.length);
      expect(buffer.subarray(0, expected.length).equals(expected)).toBe(true);
      const reader = file.range(start, end);
      const parts: Buffer[] = [];
      for (;;) {
        const part = Buffer.alloc(777_777);
        const filled = await reader.read(part);
        parts.push(part.subarray(0, filled));
        if (filled < part.length) break;
      }
      expect(Buffer.concat(parts).equals(expected)).toBe(true);
    }
    // The comparison would see one byte that is another.
    expect((await bytesOf(file, 1)).equals(content.subarray(0, -1))).toBe(false);
    await file.close();
  });

  test("an object is read in parts, never as a whole, and an empty one without a request for bytes", async () => {
    const empty = `${bucketOf({ none: Buffer.alloc(0) })}/none`;
    expect((await bytesOf(await openStored(empty))).length).toBe(0);
    expect(store.requests.map(({ method }) => method)).toEqual(["HEAD"]);
    const size = 40 * MIB;
    const objects = store.buckets.get("bucket-1")!;
    objects.set("large", repeatedObject("[", '"text",', '""]', size));
    let numBytes = 0;
    for await (const chunk of (await openStored("s3://bucket-1/large")).stream()) numBytes += chunk.length;
    expect(numBytes).toBe(sizeOfLast("large"));
    const lengths = store.requests.flatMap(({ headers }) => {
      const [, first, last] = headers.range?.match(/bytes=(\d+)-(\d+)/) ?? [];
      return first === undefined ? [] : [Number(last) - Number(first) + 1];
    });
    expect(Math.max(...lengths)).toBeLessThanOrEqual(4 * MIB);
    expect(lengths.reduce((a, b) => a + b)).toBe(numBytes);
  });
});

function sizeOfLast(key: string): number {
  const object = store.buckets.get("bucket-1")!.get(key)!;
  return Buffer.isBuffer(object) ? object.length : object.sizeBytes;
}

describe("faults", () => {
  const content = noise(600_000);
  const faults: readonly Fault[] = [
    { kind: "status", status: 503, code: "SlowDown" },
    { kind: "status", status: 500, code: "InternalError" },
    { kind: "reset", afterBytes: 300_000 },
    { kind: "short", bytes: 1000 },
    { kind: "stall", afterBytes: 1000 },
  ];

  /** Who waits for what never comes waits so many seconds, each time; a whole answer is there sooner. */
  const waitFor = ({ kind }: Fault, seconds: string) =>
    vi.stubEnv("MILLRACE_STORE_TIMEOUT", kind === "stall" ? seconds : PATIENT);
  afterEach(() => void vi.stubEnv("MILLRACE_STORE_TIMEOUT", PATIENT));

  test.each(faults)("$kind $code: what fails twice is asked for again, and the bytes are the same", async (fault) => {
    waitFor(fault, "3");
    const file = await openStored(`${bucketOf({ a: content })}/a`);
    store.fault = failing(2, fault);
    expect((await bytesOf(file)).equals(content)).toBe(true);
    expect(store.requests.filter(({ method }) => method === "GET")).toHaveLength(3);
  });

  test.each(faults)("$kind $code: what fails every time ends after a bounded number of attempts", async (fault) => {
    waitFor(fault, "1");
    const uri = `${bucketOf({ a: content })}/a`;
    const file = await openStored(uri);
    store.fault = failing(Number.POSITIVE_INFINITY, fault);
    const error = await errorOf(bytesOf(file));
    expect(error).toMatchObject({ code: "store-failed", where: { file: uri } });
    expect(error.message).toMatch(new RegExp(`^expected an answer for ${uri}, got .* 3 times$`));
    expect(store.requests.filter(({ method }) => method === "GET")).toHaveLength(3);
  });

  test.each([
    ["status", { kind: "status", status: 403, code: "AccessDenied" }, "store-denied", /AccessDenied/],
    ["ignore-range", { kind: "ignore-range" }, "store-failed", /does not serve ranges/],
  ] as const)("%s is not asked for again", async (_, fault, code, message) => {
    const file = await openStored(`${bucketOf({ a: content })}/a`);
    store.fault = failing(Number.POSITIVE_INFINITY, fault);
    const error = await errorOf(file.read(Buffer.alloc(100), 50));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(store.requests.filter(({ method }) => method === "GET")).toHaveLength(1);
  });

  test("a page of a list that fails is asked for again, and no object is lost", async () => {
    const keys = Array.from({ length: 11 }, (_, i) => `x/${String(i).padStart(2, "0")}.jsonl`);
    const bucket = bucketOf(Object.fromEntries(keys.map((key) => [key, Buffer.from(key)])));
    let lists = 0;
    store.fault = ({ key }) => {
      lists += key === "" ? 1 : 0;
      return key === "" && lists % 2 === 1 ? { kind: "status", status: 503, code: "SlowDown" } : undefined;
    };
    const found: string[] = [];
    for await (const { uri } of listRemote(`${bucket}/x/`)) found.push(uri);
    expect(found).toEqual(keys.map((key) => `${bucket}/${key}`));
    expect(lists).toBeGreaterThan(6);
  });
});

describe("identity", () => {
  test("an object that is another one than the run began with is refused, the same one is read", async () => {
    const [before, after] = [noise(50_000), Buffer.from(noise(50_001).subarray(1))];
    const bucket = bucketOf({ a: before });
    const { digest, sizeBytes } = await identityOf(`${bucket}/a`);
    expect(sizeBytes).toBe(before.length);
    expect(digest).toMatch(/^etag:"[0-9a-f]{32}":50000$/);
    store.requests.length = 0;
    const file = await openStored(`${bucket}/a`, digest);
    expect((await bytesOf(file)).equals(before)).toBe(true);
    // Who knows the version need not ask for the size.
    expect(store.requests.map(({ method }) => method)).toEqual(["GET"]);
    store.buckets.get(bucket.slice("s3://".length))!.set("a", after);
    const error = await errorOf(bytesOf(file));
    expect(error).toMatchObject({ code: "input-changed", where: { file: `${bucket}/a` } });
    expect((await identityOf(`${bucket}/a`)).digest).not.toBe(digest);
  });

  test("a missing object is undefined, a missing bucket an error that names it", async () => {
    const bucket = bucketOf({ "a/b": Buffer.from("x") });
    expect(await findRemote(`${bucket}/a`)).toBeUndefined();
    expect(await findRemote(`${bucket}/`)).toBeUndefined();
    expect(await findRemote(`${bucket}/a/b`)).toMatchObject({ sizeBytes: 1 });
    const list = async (): Promise<void> => {
      for await (const _ of listRemote("s3://no-such-bucket/a/"));
    };
    expect(await errorOf(list())).toMatchObject({
      code: "config-input",
      message: "expected the bucket s3://no-such-bucket, found none of that name",
    });
  });
});

describe("secrets", () => {
  test("no error holds one, whatever the store says", async () => {
    const bucket = bucketOf({ a: noise(100) });
    const file = await openStored(`${bucket}/a`);
    for (const [status, code] of [
      [403, "SignatureDoesNotMatch"],
      [400, "AuthorizationHeaderMalformed"],
      [500, "InternalError"],
    ] as const) {
      store.fault = () => ({ kind: "status", status, code });
      const error = await errorOf(file.read(Buffer.alloc(10), 0));
      const all = JSON.stringify([error, error.message, (error as unknown as Error).stack]);
      expect(all).toContain(code);
      expect(all).not.toContain(SECRET);
      expect(all).not.toContain("Authorization:");
    }
    // The store did get something that only the secret could make.
    expect(store.requests.at(-1)!.headers.authorization).toContain("Credential=someone/");
  });

  test("a signed address and one with a password are refused without being repeated", async () => {
    for (const uri of [
      "https://me:pass@host/a.jsonl",
      "https://host/a.jsonl?X-Amz-Signature=pass",
      "s3://me:pass@b/a",
    ]) {
      const error = await errorOf(openStored(uri));
      expect(error.code).toBe("config-input");
      expect(`${error.message} ${error.hint}`).not.toContain("pass@");
      expect(`${error.message} ${error.hint}`).not.toContain("Signature");
    }
  });

  test("public buckets are read without any signature when the environment says so", async () => {
    vi.stubEnv("AWS_SKIP_SIGNATURE", "true");
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
    const bucket = bucketOf({ a: Buffer.from("public") });
    try {
      expect((await bytesOf(await openStored(`${bucket}/a`))).toString()).toBe("public");
      expect(store.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
      vi.stubEnv("AWS_SKIP_SIGNATURE", undefined);
      const error = await errorOf(openStored(`${bucketOf({ a: Buffer.from("x") })}/a`));
      expect(error).toMatchObject({ code: "store-denied", hint: expect.stringContaining("AWS_ACCESS_KEY_ID") });
    } finally {
      vi.stubEnv("AWS_ACCESS_KEY_ID", "someone");
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", SECRET);
    }
  });
});

describe("other stores", () => {
  const body = Buffer.from('{"text":"elsewhere"}\n');
  const read = async (uri: string): Promise<string> => {
    const { digest } = await identityOf(uri);
    return (await bytesOf(await openStored(uri, digest))).toString();
  };

  test("Azure's is asked at its endpoint, signed, for ranges of the version that was found", async () => {
    vi.stubEnv("AZURE_STORAGE_ENDPOINT", `${store.endpoint}/account`);
    vi.stubEnv("AZURE_STORAGE_ACCOUNT_NAME", "account");
    vi.stubEnv("AZURE_STORAGE_ACCOUNT_KEY", Buffer.from(SECRET).toString("base64"));
    store.buckets.set("account", new Map([["container/a.jsonl", body]]));
    expect(await read("az://container/a.jsonl")).toBe(body.toString());
    const { headers } = store.requests.at(-1)!;
    expect(headers.authorization).toMatch(/^SharedKey account:/);
    expect(headers["if-match"]).toMatch(/^"[0-9a-f]{32}"$/);
  });

  test("Google's is asked for the version again when a file is opened", async () => {
    const asked: string[] = [];
    let etag = "CKih16GjycICEAE=";
    const server = createServer(({ url }, response) => {
      asked.push(url!);
      const object = { name: "a.jsonl", size: String(body.length), etag, updated: "2026-01-01T00:00:00.000Z" };
      if (url!.includes("alt=media")) response.writeHead(206).end(body);
      else response.end(JSON.stringify({ ...object, md5Hash: "x", contentType: "x", generation: "1", id: "a" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    vi.stubEnv("STORAGE_EMULATOR_HOST", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv("GOOGLE_SKIP_SIGNATURE", "true");
    try {
      expect(await read("gs://bucket/a.jsonl")).toBe(body.toString());
      expect(asked).toEqual([
        "/storage/v1/b/bucket/o/a.jsonl",
        "/storage/v1/b/bucket/o/a.jsonl",
        "/storage/v1/b/bucket/o/a.jsonl?alt=media",
      ]);
      const { digest } = await identityOf("gs://bucket/a.jsonl");
      etag = "another";
      expect(await errorOf(openStored("gs://bucket/a.jsonl", digest))).toMatchObject({ code: "input-changed" });
    } finally {
      server.close();
    }
  });

  test("a web server is asked for the address as it is written, escapes and all", async () => {
    store.buckets.set("web", new Map([["sp ace+ä.jsonl", body]]));
    for (const name of ["sp%20ace+%C3%A4.jsonl", "sp ace+ä.jsonl"])
      expect(await read(`${store.endpoint}/web/${name}`)).toBe(body.toString());
    expect(await errorOf(openStored(`${store.endpoint}/web/100%.jsonl`))).toMatchObject({ code: "config-input" });
  });
});

describe("a worker", () => {
  /** The worker's thread reads all, posts how much that was, and reads what never comes. */
  const PROGRAM = `
    import { parentPort, workerData } from "node:worker_threads";
    const { openStored } = await import(workerData.storage);
    const file = await openStored(workerData.uri);
    let numBytes = 0;
    for await (const chunk of file.stream()) numBytes += chunk.length;
    parentPort.postMessage(numBytes);
    process.env.MILLRACE_STORE_TIMEOUT = "1";
    await (await openStored(workerData.stalling)).read(new Uint8Array(10), 0);`;

  test("reads the same bytes, and may be ended while a request is under way", async () => {
    const content = noise(5 * MIB);
    const uri = `${bucketOf({ a: content })}/a`;
    const stalling = `${bucketOf({ a: content })}/a`;
    const storage = new URL("../../../dist/base/storage/index.js", import.meta.url).href;
    let isStalled: () => void = () => undefined;
    const stalled = new Promise<void>((resolve) => {
      isStalled = resolve;
    });
    store.fault = ({ headers }) => {
      if (headers.range !== "bytes=0-9") return undefined;
      isStalled();
      return { kind: "stall", afterBytes: 3 };
    };
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`), {
      workerData: { uri, stalling, storage },
    });
    const [numBytes] = await once(worker, "message");
    expect(numBytes).toBe(content.length);
    expect(store.requests.filter(({ headers }) => headers.range !== undefined).length).toBeGreaterThan(2);
    await stalled;
    // The process would be gone.
    expect(await worker.terminate()).toBe(1);
  });
});

test("keys that the way to the store would change are refused", async () => {
  const bucket = bucketOf({ "a/b": Buffer.from("another") });
  for (const key of ["a//b", "/a/b", "./a/b", "a/./b", "a/c/../b", "a/b "]) {
    expect(await errorOf(openStored(`${bucket}/${key}`))).toMatchObject({
      code: "config-input",
      message: expect.stringContaining("expected a key without //"),
    });
  }
  expect((await bytesOf(await openStored(`${bucket}/a/b`))).toString()).toBe("another");
});

test("paths are no addresses, and addresses of no known store are refused", async () => {
  expect(["a.jsonl", "/s3://x", "c:\\x", "./s3:/x", "s3:/x", "://x"].filter(isRemote)).toEqual([]);
  expect(["s3://b/k", "S3://b/k", "gs://b/k", "https://h/k"].every(isRemote)).toBe(true);
  expect(await errorOf(openStored("ftp://host/a"))).toMatchObject({
    code: "config-input",
    message: expect.stringContaining("one of s3://, gs://, az://, http://, https://"),
  });
});
