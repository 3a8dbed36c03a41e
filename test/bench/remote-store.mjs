// An object store of one object, `s3://bench/NAME`: a file of this machine. A process of its own, so that what it takes is not
// the reader's. node remote-store.mjs FILE prints its endpoint and runs until it is ended.
import { fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { startObjectStore } from "../../build/test-types/fixtures/object-store.js";

const path = process.argv[2];
const file = openSync(path, "r");
const { size, mtimeMs } = fstatSync(file);
const store = await startObjectStore();
const fill = (buffer, position) => {
  for (let at = 0; at < buffer.length; at += readSync(file, buffer, at, buffer.length - at, position + at));
};
store.buckets.set("bench", new Map([[basename(path), { sizeBytes: size, etag: `"${size}-${mtimeMs}"`, fill }]]));
console.log(store.endpoint);
