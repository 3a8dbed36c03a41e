// Phase "signatures" (map over blocks): reads each document once and spills what the later phases compare. A block is read
// in pieces and its columns are written as they come, so neither its texts nor its rows are ever in memory at once.
import { invalid } from "../base/errors.js";
import { readOptionsOf } from "../formats/corpus.js";
import { countRejected, formatRejected } from "../formats/rejected.js";
import { type SpillWriter, writeSpillRows } from "../formats/spill.js";
import type { SignatureOptions, SignatureRoom } from "../native/dedup.js";
import type { ScanOptions } from "../native/read.js";
import type { BlockRef, LinePiece, Payload, ReadBlock, ReadOptions } from "../records/block-reader.js";
import type { DocumentBlock, RejectedRecord } from "../records/document-block.js";
import type { FileRef, Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import { writeLines } from "./line-files.js";
import type { SignedBlock } from "./numbering.js";
import { countMissingScores, type Policy, scoreFieldOf } from "./policy.js";
import { policyOf, shinglingOf } from "./settings.js";
import { SignatureColumns, type SignedPiece } from "./signature-columns.js";
import { spillPath } from "./spills.js";

interface SignArgs {
  readonly ref: BlockRef;
  /** Number of the block in the input. */
  readonly block: number;
  readonly engine: EngineName;
  readonly read: ReadOptions;
  readonly policy: Policy;
  readonly options: Omit<SignatureOptions, "seed"> & { readonly seed: number };
}

const NEWLINE = 0x0a;

export const signaturesPhase: Phase<DedupConfig> = {
  name: "signatures",
  kind: "map",
  async *plan({ config, reader, inputs }, isDone) {
    const { bands, rows, seed, simd, engine } = config;
    const read = readOptionsOf(config);
    const policy = policyOf(config);
    const options = { ...shinglingOf(config), bands, rows, seed, simd };
    let block = 0;
    for await (const { ref, payload } of reader.plan(inputs, read, isDone)) {
      requireUtf8(ref);
      const args = { ref, block, engine, read, policy, options } satisfies SignArgs;
      yield { id: ref.id, run: "dedup/sign", args: args as never, payload, sizeBytes: ref.end - ref.start };
      block += 1;
    }
  },
};

/** Lines are copied as they stand. */
function requireUtf8({ file, encoding }: BlockRef): void {
  if (encoding === undefined) return;
  throw invalid("input-encoding", `expected UTF-8 in ${file} for dedup, got the byte order mark of ${encoding}`, {
    where: { file, offset: 0 },
    hint: "run `millrace clean` on it first: it reads such files and writes UTF-8",
  });
}

export async function sign(args: SignArgs, { workDir, reader }: TaskContext, payload?: Payload): Promise<TaskResult> {
  const { ref, read } = args;
  const path = spillPath(workDir, "signatures", ref.id);
  let signed: Awaited<ReturnType<BlockSigner["finish"]>> | undefined;
  const output = await writeSpillRows(path, "signatures", async (writer) => {
    const signer = new BlockSigner(args, writer);
    if (ref.format === "text" || ref.oversized === true) await signer.addWhole(await reader.read(ref, read, payload));
    else for await (const piece of reader.pieces(ref, payload)) await signer.addLines(piece);
    signed = await signer.finish(workDir);
  });
  return { outputs: [output, ...signed!.malformed], ...signed!.result };
}

class BlockSigner {
  readonly #args: SignArgs;
  readonly #engine: DedupEngine;
  readonly #options: SignatureOptions;
  readonly #columns: SignatureColumns;
  /** The largest columns so far: those of a piece are gone before the next one comes. */
  #room: SignatureRoom = { bandKeys: new BigUint64Array(0), sketches: new Uint32Array(0) };
  readonly #rejected: RejectedRecord[] = [];
  #numLines = 0;
  #numMissing = 0;

  constructor(args: SignArgs, writer: SpillWriter) {
    const { options, policy, block } = args;
    this.#args = args;
    this.#engine = engineOf(args.engine);
    this.#options = { ...options, seed: BigInt(options.seed) };
    this.#columns = new SignatureColumns(writer, policy, options.bands, block);
  }

  /** The next whole lines of the block. */
  async addLines({ bytes, offset }: LinePiece): Promise<void> {
    const signed = this.#engine.signLines(bytes, this.#scanOptions(offset), this.#options, this.#room);
    const { bandKeys, sketches } = signed;
    if (bandKeys.length > this.#room.bandKeys.length) this.#room = { bandKeys, sketches };
    const { file } = this.#args.ref;
    for (const { offset, line, reason, detail } of signed.rejected) {
      this.#rejected.push({ file, offset, line, reason, ...(detail === "" ? {} : { detail }) });
    }
    await this.#addRows({ ...signed, lineBytes: signed.recordLength.map((length) => length + 1) });
    this.#numLines += signed.numLines;
  }

  /** A block that is no JSON lines: one document, or one record that is none. */
  async addWhole({ block, rejected, numLines }: ReadBlock): Promise<void> {
    await this.#addRows({
      ...block,
      ...this.#engine.signDocuments(block.text, block.textOffsets, this.#options),
      idHashes: this.#engine.hashRows(block.id, block.idOffsets),
      scores: new Float64Array(block.numDocuments).fill(Number.NaN),
      lineBytes: this.#formattedBytes(block),
    });
    this.#rejected.push(...rejected);
    this.#numLines += numLines;
  }

  async finish(workDir: string): Promise<{ malformed: FileRef[]; result: Omit<TaskResult, "outputs"> }> {
    const { ref, policy } = this.#args;
    await this.#columns.finish();
    const { numRows } = this.#columns;
    const counts = {
      documents_read: numRows + this.#rejected.length,
      bytes_read: ref.end - ref.start,
      ...(scoreFieldOf(policy) === "" ? {} : { missing_score: this.#numMissing }),
      ...countRejected(this.#rejected),
    };
    const data: SignedBlock = {
      id: ref.id,
      numDocuments: numRows,
      numLines: this.#numLines,
      numMalformed: this.#rejected.length,
    };
    const lines = this.#rejected.map(formatRejected);
    const malformed = lines.length === 0 ? [] : [await writeLines(workDir, "malformed", ref.id, lines)];
    return { malformed, result: { counts, data } };
  }

  #scanOptions(baseOffset: number): ScanOptions {
    const { ref, read, policy } = this.#args;
    const { source } = ref;
    return { ...read, scoreField: scoreFieldOf(policy), source, baseOffset, baseLine: this.#numLines };
  }

  async #addRows(piece: SignedPiece): Promise<void> {
    this.#numMissing += countMissingScores(piece.scores);
    await this.#columns.append(piece);
  }

  /** Bytes of the lines that `write` will make of the documents. */
  #formattedBytes(block: DocumentBlock): Uint32Array {
    const lines = this.#engine.formatJsonl(block, new Uint8Array(block.numDocuments).fill(1));
    const lengths = new Uint32Array(block.numDocuments);
    for (let i = 0, begin = 0; i < lengths.length; i += 1) {
      const end = lines.indexOf(NEWLINE, begin) + 1;
      lengths[i] = end - begin;
      begin = end;
    }
    return lengths;
  }
}
