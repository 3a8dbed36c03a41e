// What a SentencePiece model file says beside its pieces' scores: how many ids there are and which one ends a document.
// The file is a protocol buffer (sentencepiece_model.proto: ModelProto); its pieces are checked by the engine.
import { invalid } from "../base/errors.js";

export interface SentencePieceModel {
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  /** "unigram" or "bpe". */
  readonly kind: string;
  /** Ids of control symbols by name. */
  readonly control: ReadonlyMap<string, number>;
}

const PIECE = { text: 1, type: 3 } as const;
const CONTROL = 3;
const MODEL = { piece: 1, trainer: 2 } as const;
const TRAINER = { kind: 3, endPiece: 47 } as const;
const KINDS = ["", "unigram", "bpe", "word", "char"] as const;
const DEFAULT_END = "</s>";

/** A field's number and what it holds: a number (those of 64 bits without their upper half) or bytes. */
type Field = readonly [number: number, value: number | Uint8Array];

class NotProtobuf extends Error {}

function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new NotProtobuf();
  };
  const skip = (size: number): number => {
    at += size;
    if (at > message.length) throw new NotProtobuf();
    return 0;
  };
  while (at < message.length) {
    const key = varint();
    const number = key >>> 3;
    if (number === 0) throw new NotProtobuf();
    const wire = key & 7;
    if (wire === 0) yield [number, varint()];
    else if (wire === 1) yield [number, skip(8)];
    else if (wire === 5) yield [number, skip(4)];
    else if (wire === 2) {
      const size = varint();
      skip(size);
      yield [number, message.subarray(at - size, at)];
    } else throw new NotProtobuf();
  }
}

interface Read {
  vocabSize: number;
  kind: string;
  endPiece: string;
  /** Ids of control symbols by name. */
  readonly control: Map<string, number>;
}

function readModel(bytes: Uint8Array): Read {
  const read: Read = { vocabSize: 0, kind: "unigram", endPiece: DEFAULT_END, control: new Map() };
  const text = (value: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
  for (const [number, value] of fieldsOf(bytes)) {
    if (typeof value === "number") continue;
    if (number === MODEL.trainer) {
      for (const [field, held] of fieldsOf(value)) {
        if (field === TRAINER.kind && typeof held === "number") read.kind = KINDS[held] ?? String(held);
        if (field === TRAINER.endPiece && typeof held !== "number") read.endPiece = text(held) || DEFAULT_END;
      }
    }
    if (number !== MODEL.piece) continue;
    let name: Uint8Array | undefined;
    let type = 0;
    for (const [field, held] of fieldsOf(value)) {
      if (field === PIECE.text && typeof held !== "number") name = held;
      if (field === PIECE.type && typeof held === "number") type = held;
    }
    if (type === CONTROL && name !== undefined) read.control.set(text(name), read.vocabSize);
    read.vocabSize += 1;
  }
  return read;
}

/**
 * `endOfDocument`: the control symbol that ends documents; undefined: the model's end of sentence. Throws
 * `config-tokenizer` for bytes that are no model, models of other kinds, and models without that symbol.
 */
export function readSentencePieceModel(
  bytes: Uint8Array,
  file: string,
  endOfDocument: string | undefined,
): SentencePieceModel {
  const where = { file };
  let read: Read;
  try {
    read = readModel(bytes);
  } catch (cause) {
    if (!(cause instanceof NotProtobuf)) throw cause;
    throw damaged(file, cause);
  }
  const { vocabSize, kind, control } = read;
  const endPiece = endOfDocument ?? read.endPiece;
  if (vocabSize === 0) throw damaged(file);
  if (kind !== "unigram" && kind !== "bpe") {
    throw invalid(
      "config-tokenizer",
      `expected a unigram or BPE model for tokenizer, got one of kind ${kind}: ${file}`,
      {
        where,
      },
    );
  }
  const endOfDocumentId = control.get(endPiece);
  if (endOfDocumentId === undefined) {
    throw invalid(
      "config-tokenizer",
      `expected the control symbol ${endPiece} to end documents with, got none in ${file}`,
      {
        where,
        hint: `name one that it has behind the path: ${file}#SYMBOL (train with --eos_id or --control_symbols)`,
      },
    );
  }
  return { vocabSize, endOfDocumentId, kind, control };
}

function damaged(file: string, cause?: unknown): Error {
  return invalid("config-tokenizer", `expected a SentencePiece model, got a file that is none or is damaged: ${file}`, {
    where: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}
