// An object store of one object, `s3://bench/big.json`: a JSON array of big-array.mjs, made by range as it is asked for, so
// that it may be larger than the disk. A process of its own: what it takes is not the memory of who reads.
// node big-json-store.mjs BYTES SHARE prints one line, {"endpoint", "sizeBytes", "numDocuments"}, and runs until it is ended.
import { startObjectStore } from "../../build/test-types/fixtures/object-store.js";
import { bigArray } from "./big-array.mjs";

const [sizeBytes, shareLong] = process.argv.slice(2).map(Number);
const array = await bigArray({ sizeBytes, shareLong });
const store = await startObjectStore();
store.buckets.set(
  "bench",
  new Map([
    [
      "big.json",
      {
        sizeBytes: array.sizeBytes,
        etag: `"big-array-${sizeBytes}-${shareLong}"`,
        fill: (buffer, position) => array.fill(buffer, position),
      },
    ],
  ]),
);
const { numDocuments } = array;
console.log(JSON.stringify({ endpoint: store.endpoint, sizeBytes: array.sizeBytes, numDocuments }));
