// Our digests for `make-tokenizer-json-golden.py --random COUNT [NAMES...]`, line by line the same where all ids are. After `npm run lint`, which
// compiles the tests.
//
//   node test/parity/random-tokenizer-json.mjs COUNT [NAMES...]
import { createHash } from "node:crypto";
import { golden, loadParts } from "../../build/test-types/parity/golden-tokenizers.js";
import { generator, randomText } from "../../build/test-types/parity/tokenizer-json-texts.js";

const AT_ONCE = 10_000;
const [, , count, ...names] = process.argv;

for (const parts of golden.tokenizers) {
  if (names.length > 0 && !names.includes(parts.name)) continue;
  const tokenizer = loadParts(parts);
  const below = generator(99);
  const hash = createHash("sha256");
  for (let done = 0; done < Number(count); done += AT_ONCE) {
    for (let i = done; i < Math.min(done + AT_ONCE, Number(count)); i += 1) {
      hash.update(`${tokenizer.encode(randomText(below, 8)).join(",")}\n`);
    }
  }
  console.log(JSON.stringify([parts.name, hash.digest("hex").slice(0, 16)]).replace(",", ", "));
}
