// The engine `js` of SentencePiece models: the npm package sentencepiece-js (WebAssembly of SentencePiece 0.1.97), as a
// second implementation. docs/decisions/0034 says what of the package is worked around.
import { createRequire } from "node:module";
import { invalid, invariant } from "../base/errors.js";
import type { EncodedBlock } from "./tokenizer.js";

/** Part of fingerprints: another release of the package may give other ids. */
export const SENTENCE_PIECE_JS = "sentencepiece-js 1.1.0";

/**
 * A longer text is refused. The package takes 72 bytes a byte of text, keeps them, and aborts for good at some 30 MB.
 */
export const MAX_TEXT_BYTES = 8 << 20;

interface Deletable {
  delete(): void;
}

interface Processor extends Deletable {
  Load(file: Deletable): Deletable & { ToString(): string };
  EncodeAsIds(text: Deletable): Deletable & { size(): number; get(index: number): number };
  DecodeIds(ids: Deletable): string;
}

/** The package's WebAssembly module. */
interface Module {
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void; unlink(path: string): void };
  readonly StringView: new (text: string) => Deletable & { getView(): Deletable };
  readonly SentencePieceProcessor: new () => Processor;
  vecFromJSArray(ids: readonly number[]): Deletable;
}

interface Package {
  readonly SentencePieceProcessor: new () => { load(file: string): Promise<void>; readonly sentencepiece: Module };
}

let module: Module | undefined;

/**
 * Compiles the package's module, once a thread; until then no tokenizer of this engine can be made. The package does so
 * only in a load, whose model is read from a path and whose outcome it drops: it gets this empty one.
 */
export async function prepareSentencePieceJs(): Promise<void> {
  if (module !== undefined) return;
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => process.listeners(event as "uncaughtException"));
  const { SentencePieceProcessor } = createRequire(import.meta.url)("sentencepiece-js") as Package;
  const processor = new SentencePieceProcessor();
  await processor.load("/dev/null");
  // The module rethrows whatever reaches the process: these would turn a rejection elsewhere into the end of the process.
  for (const [index, event] of events.entries()) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before[index]!.includes(listener)) process.removeListener(event, listener);
    }
  }
  module = processor.sentencepiece;
}

/** Texts and ids as the engines take them. */
export class SentencePieceJs {
  readonly #module: Module;
  readonly #processor: Processor;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Throws `config-tokenizer` for a file that the package cannot read. */
  constructor(model: Uint8Array, file: string) {
    invariant(module !== undefined, "expected prepareSentencePieceJs to be called first");
    this.#module = module;
    this.#processor = new module.SentencePieceProcessor();
    const path = "tokenizer.model";
    module.FS.writeFile(path, model);
    const status = this.#withView(path, (view) => {
      const loaded = this.#processor.Load(view);
      const message = loaded.ToString();
      loaded.delete();
      return message;
    });
    module.FS.unlink(path);
    if (status === "OK") return;
    this.#processor.delete();
    throw invalid(
      "config-tokenizer",
      `expected a SentencePiece model, got a file that is none or is damaged: ${file}`,
      {
        where: { file },
        cause: new Error(status),
      },
    );
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    const ids: number[] = [];
    const ends = new Uint32Array(offsets.length);
    for (let row = 0; row + 1 < offsets.length; row += 1) {
      const bytes = text.subarray(offsets[row]!, offsets[row + 1]!);
      if (bytes.length > MAX_TEXT_BYTES) {
        throw invalid(
          "config-tokenizer",
          `expected texts of at most ${MAX_TEXT_BYTES} bytes for the engine js, got ${bytes.length}`,
          { hint: "use the engine native, or clean with a smaller --max-document" },
        );
      }
      const found = this.#withView(this.#decoder.decode(bytes), (view) => this.#processor.EncodeAsIds(view));
      for (let i = 0; i < found.size(); i += 1) ids.push(found.get(i));
      found.delete();
      ends[row + 1] = ids.length;
    }
    return { ids: Int32Array.from(ids), offsets: ends };
  }

  decodeIds(ids: Int32Array): Uint8Array {
    const vector = this.#module.vecFromJSArray(Array.from(ids));
    try {
      return new TextEncoder().encode(this.#processor.DecodeIds(vector));
    } finally {
      vector.delete();
    }
  }

  #withView<T>(text: string, use: (view: Deletable) => T): T {
    const string = new this.#module.StringView(text);
    const view = string.getView();
    try {
      return use(view);
    } finally {
      view.delete();
      string.delete();
    }
  }
}
