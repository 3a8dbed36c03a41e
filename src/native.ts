// The only door to the native addon, loaded on first use. What it can do is typed in native/: each file there is one of
// native/addon with the same functions under the same names; a test compares the lists.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { invalid } from "./base/errors.js";
import type { NativeBpeTraining } from "./native/bpe-trainer.js";
import type { NativeCandidates } from "./native/candidates.js";
import type { NativeCheckpoints } from "./native/checkpoint.js";
import type { NativeDedup } from "./native/dedup.js";
import type { NativeMemory } from "./native/memory.js";
import type { NativeProcesses } from "./native/processes.js";
import type { NativeRead } from "./native/read.js";
import type { NativeSentencePieces } from "./native/sentence-piece.js";
import type { NativeSketchJoin } from "./native/sketch-join.js";
import type { NativeTokenizers } from "./native/tokenizer.js";
import type { NativeTraining } from "./native/trainer.js";

export type Native = NativeRead &
  NativeDedup &
  NativeCandidates &
  NativeSketchJoin &
  NativeTokenizers &
  NativeSentencePieces &
  NativeBpeTraining &
  NativeMemory &
  NativeTraining &
  NativeCheckpoints &
  NativeProcesses;

let loaded: Native | undefined;

/** The addon. Throws `native-missing` with what to run when it has not been built. */
export function native(): Native {
  if (loaded === undefined) {
    const path =
      process.env.MILLRACE_ADDON ?? fileURLToPath(new URL("../build/release/millrace.node", import.meta.url));
    if (!existsSync(path)) {
      throw invalid("native-missing", `expected the native addon at ${path}, found none`, {
        hint: "run `npm run build` in the package folder (needs CMake and a C++20 compiler); dedup also runs without: --engine js",
      });
    }
    loaded = createRequire(import.meta.url)(path) as Native;
  }
  return loaded;
}
