// Any tokenizer.json of type BPE or WordPiece, with the ids of Hugging Face tokenizers 0.23.3 for
// `encode(text, add_special_tokens=False)` and `encode_special_tokens = True`. Truncation, padding and post-processing,
// which concern batches and special tokens, are not applied.
import { isAscii } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { native } from "../native.js";
import { findEndOfDocument } from "./end-of-document.js";
import {
  type AddedTokenFinders,
  type AddedTokenList,
  addedTokenFinders,
  readAddedTokens,
} from "./hugging-face/added-token-list.js";
import type { TextOrId } from "./hugging-face/added-tokens.js";
import { type AlignedText, wholeDocument } from "./hugging-face/aligned-text.js";
import { readBpe } from "./hugging-face/bpe-config.js";
import { bytesOfTokens, type Decoder, readDecoder } from "./hugging-face/decoders.js";
import { fingerprintOf } from "./hugging-face/file-fingerprint.js";
import { IdList } from "./hugging-face/id-list.js";
import { JsonNode, loneSurrogate } from "./hugging-face/json-node.js";
import { readNormalizer } from "./hugging-face/normalizers.js";
import { NativePieceEncoder } from "./hugging-face/piece-encoder.js";
import { type ModelConfig, type Pipeline, pipelineOf } from "./hugging-face/pipeline.js";
import { endsWithin } from "./hugging-face/time-limit.js";
import { readWordPiece } from "./hugging-face/word-piece-config.js";
import type { EncodedBlock, TokenBounds, Tokenizer } from "./tokenizer.js";

export interface HuggingFaceFile {
  readonly name: string;
  readonly file: string;
  /** The token that ends documents; undefined: found as end-of-document.ts says. */
  readonly endOfDocument?: string | undefined;
}

/** Throws `config-tokenizer`, with the path in the JSON, for what is damaged, unknown or not supported. */
export function loadHuggingFace({ name, file, endOfDocument }: HuggingFaceFile): Tokenizer {
  const root = parse(readFileSync(file), file);
  root.only(
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
  );
  if (!root.field("version").isAbsent) root.field("version").oneOf(["1.0"]);
  const model = readModel(root.field("model"));
  const added = readAddedTokens(root.field("added_tokens"), model.config.vocab);
  const tokens = tokensById(model, added);
  const end = findEndOfDocument({
    wanted: endOfDocument,
    folder: dirname(resolve(file)),
    file,
    has: (token) => tokens.ids.has(token),
    special: [...added.byId.values()].filter((token) => token.special).map(({ content }) => content),
  });
  return new HuggingFaceTokenizer(name, root, model, added, tokens, end);
}

function parse(bytes: Uint8Array, file: string): JsonNode {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const lone = loneSurrogate(text);
    if (lone !== undefined) throw new SyntaxError(`half of a surrogate pair, ${lone}, is no character`);
    return new JsonNode(JSON.parse(text), "", file);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw invalid("config-tokenizer", `expected JSON for the tokenizer, got something else: ${message}`, {
      where: { file },
      cause,
    });
  }
}

function readModel(node: JsonNode): ModelConfig {
  const type = node.field("type");
  if (type.value === "BPE") return { type: "BPE", config: readBpe(node) };
  if (type.value === "WordPiece") return { type: "WordPiece", config: readWordPiece(node) };
  // Files of the first versions name no type.
  if (type.value === undefined && !node.field("merges").isAbsent) return { type: "BPE", config: readBpe(node) };
  if (type.value === undefined && !node.field("max_input_chars_per_word").isAbsent) {
    return { type: "WordPiece", config: readWordPiece(node) };
  }
  throw type.refusal("BPE or WordPiece", hintForModel(type));
}

/** What SentencePiece models are called beside a tokenizer.json. */
const SENTENCE_PIECE_FILES = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model"];

function hintForModel({ value, file }: JsonNode): string | undefined {
  if (value === "Unigram") {
    const beside = SENTENCE_PIECE_FILES.map((name) => join(dirname(file), name)).find((path) => existsSync(path));
    if (beside !== undefined) return `the SentencePiece model that it was made from is read instead: ${beside}`;
    return "a SentencePiece model of type unigram is read from its .model file (tokenizer.model, spiece.model), not from this one";
  }
  if (value === "WordLevel") {
    return "a vocabulary of whole words makes most of a corpus unknown: learn one of byte-level BPE with millrace tokenizer train";
  }
  if (value === undefined)
    return "files of the first versions, without a type, have merges or max_input_chars_per_word";
  return undefined;
}

interface Tokens {
  readonly ids: ReadonlyMap<string, number>;
  /** By id, added tokens before those of the model; an id may have none. */
  readonly names: (string | undefined)[];
}

function tokensById({ config: { vocab } }: ModelConfig, { byId }: AddedTokenList): Tokens {
  const ids = new Map(vocab);
  const names: (string | undefined)[] = [];
  for (const [token, id] of vocab) names[id] = token;
  for (const { id, content } of byId.values()) {
    ids.set(content, id);
    names[id] = content;
  }
  return { ids, names };
}

/** Of processor time: many times what any sound text takes. */
const LEAST_LIMIT_MS = 30_000;
const LIMIT_MS_PER_MEGABYTE = 30_000;

function hasExpression(component: unknown): boolean {
  return JSON.stringify(component ?? null).includes('{"Regex":');
}

class HuggingFaceTokenizer implements Tokenizer {
  readonly name: string;
  readonly kind: string;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly bounds?: TokenBounds;
  readonly #tokens: Tokens;
  readonly #pipeline: Pipeline;
  /** Absent where no added token is ever found. */
  readonly #finders: AddedTokenFinders | undefined;
  readonly #decode: Decoder | undefined;
  readonly #decodesBytes: boolean;
  readonly #file: string;
  /** Regular expressions of the file's own that run here: what they take is not known. */
  readonly #hasExpressions: boolean;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(
    name: string,
    root: JsonNode,
    model: ModelConfig,
    added: AddedTokenList,
    tokens: Tokens,
    endOfDocument: string,
  ) {
    this.name = name;
    this.kind = `${model.type} of a tokenizer.json`;
    const special = [...added.byId.values()].filter((token) => token.special);
    this.specialTokens = new Map(special.map(({ content, id }) => [content, id]));
    this.vocabSize = tokens.names.length;
    this.endOfDocumentId = tokens.ids.get(endOfDocument)!;
    this.#tokens = tokens;
    this.#pipeline = pipelineOf(root, model, added, endOfDocument);
    this.#refuseEndAsUnknown(root, model);
    if (this.#pipeline.bounds !== undefined) this.bounds = this.#pipeline.bounds;
    this.#file = root.file;
    this.#hasExpressions = ["normalizer", "pre_tokenizer"].some((part) => hasExpression(root.field(part).value));
    const list = root.field("added_tokens");
    const normalizer = root.field("normalizer");
    const normalize = normalizer.isAbsent ? undefined : readNormalizer(normalizer);
    const finders = addedTokenFinders(added, normalize, list);
    // What a normalized token decodes to is its normal form.
    for (const [pattern, { id }] of finders.normalizedPatterns) tokens.names[id] = pattern;
    this.#finders = added.isMatched ? finders : undefined;
    const decoder = root.field("decoder");
    this.#decode = decoder.isAbsent ? undefined : readDecoder(decoder);
    this.#decodesBytes = decoder.field("type").value === "ByteLevel";
    this.fingerprint = fingerprintOf(
      root,
      model,
      added,
      tokens.ids,
      endOfDocument,
      this.#pipeline.encoder instanceof NativePieceEncoder,
    );
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    const { direct, encoder } = this.#pipeline;
    if (encoder instanceof NativePieceEncoder) {
      const begin = offsets[0] ?? 0;
      const isDirect = direct === "all" || (direct === "ascii" && isAscii(text.subarray(begin, offsets.at(-1))));
      if (isDirect) return native().encodeBlock(encoder.native, text, offsets);
    }
    let ids = new IdList();
    const idOffsets = new Uint32Array(offsets.length);
    const encodeRows = (): void => {
      ids = new IdList();
      for (let row = 0; row + 1 < offsets.length; row += 1) {
        this.#encodeText(this.#decoder.decode(text.subarray(offsets[row], offsets[row + 1])), ids);
        idOffsets[row + 1] = ids.length;
      }
    };
    if (this.#hasExpressions) this.#inTime(((offsets.at(-1) ?? 0) - (offsets[0] ?? 0)) / 1e6, encodeRows);
    else encodeRows();
    return { ids: ids.from(0), offsets: idOffsets };
  }

  encode(text: string): Int32Array {
    const bytes = this.#encoder.encode(text);
    return this.encodeBlock(bytes, Uint32Array.of(0, bytes.length)).ids;
  }

  decode(ids: ArrayLike<number>): string {
    const tokens = this.#tokensOf(ids);
    return this.#decode === undefined ? tokens.join(" ") : this.#decode(tokens).join("");
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return this.#decodesBytes ? bytesOfTokens(this.#tokensOf(ids)) : this.#encoder.encode(this.decode(ids));
  }

  /** Ids without a token are left out. */
  #tokensOf(ids: ArrayLike<number>): string[] {
    const found: string[] = [];
    for (let i = 0; i < ids.length; i += 1) {
      const id = ids[i]!;
      if (!(id >= 0 && id < this.vocabSize)) {
        const message = `expected ids from 0 to ${this.vocabSize - 1} for decoding, got ${id} at position ${i}`;
        throw invalid("config-tokenizer", message);
      }
      const token = this.#tokens.names[id];
      if (token !== undefined) found.push(token);
    }
    return found;
  }

  #encodeText(text: string, ids: IdList): void {
    const { normalize, preTokenize, encoder } = this.#pipeline;
    const finders = this.#finders;
    const whole = wholeDocument(text);
    const raw: TextOrId[] = [];
    if (finders === undefined) raw.push(whole);
    else finders.raw.splitInto(raw, whole);
    const normalized: TextOrId[] = [];
    for (const piece of raw) {
      const changed = typeof piece === "number" || normalize === undefined ? piece : normalize(piece);
      if (typeof changed === "number" || finders === undefined) normalized.push(changed);
      else finders.normalized.splitInto(normalized, changed);
    }
    const pieces: (string | number)[] = [];
    for (const piece of normalized) {
      if (typeof piece === "number") pieces.push(piece);
      else if (piece.text !== "") for (const part of preTokenized(piece, preTokenize)) pieces.push(part.text);
    }
    encoder.encode(pieces, ids);
  }

  #inTime(megabytes: number, encodeRows: () => void): void {
    const limitMs = Math.ceil(LEAST_LIMIT_MS + megabytes * LIMIT_MS_PER_MEGABYTE);
    if (endsWithin(limitMs, encodeRows)) return;
    const message = `expected texts that the tokenizer's expressions come to an end with, got some that take over ${Math.round(limitMs / 1000)} s of processor time`;
    throw invalid("config-tokenizer", message, {
      where: { file: this.#file },
      hint: "loops in loops, as in (a+)+, take exponential time, and \\s+$ the square of a run of white space; maxDocumentBytes rejects long documents",
    });
  }

  /** Otherwise unknown characters of a text would end the document. */
  #refuseEndAsUnknown(root: JsonNode, model: ModelConfig): void {
    const { unknown, vocab } = model.config;
    const isPossible = model.type === "WordPiece" || !(this.#pipeline.encoder instanceof NativePieceEncoder);
    if (!isPossible || unknown === undefined || vocab.get(unknown) !== this.endOfDocumentId) return;
    const field = root.field("model").field("unk_token");
    throw field.refusal("another token than the one that ends documents", "name another with --end-of-document");
  }
}

function preTokenized(piece: AlignedText, preTokenize: Pipeline["preTokenize"]): AlignedText[] {
  if (preTokenize === undefined) return [piece];
  const parts: AlignedText[] = [];
  preTokenize(piece, parts);
  return parts;
}
