// From the paths a recipe names to files with sizes and digests. Digests of files that have not changed since (path, size,
// modification time, inode) come from a cache in the run's folder, so a run with nothing to do starts at once.
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { identityOf, isRemote, localFault } from "../base/storage/index.js";
import { listCheckpoints, STATE_NAME, WEIGHTS_NAME } from "../formats/checkpoint.js";
import { MANIFEST_FILE } from "../formats/manifest.js";
import { expandInput } from "../read/index.js";
import type { FileRef } from "../records/stage.js";
import { beginsAsJournal, refuseBooks, refuseNoDocuments, refuseOwnResults } from "./input-refusals.js";
import { JOURNAL_NAME } from "./journal.js";
import { entryByName, type Registry } from "./registry.js";
import { readStageFile } from "./stage-file.js";
import { CONTROL_NAME } from "./stage-folder.js";

interface CachedDigest {
  readonly stamp: string;
  readonly digest: string;
}

export class DigestCache {
  readonly #path: string;
  readonly #known: Map<string, CachedDigest>;
  #changed = false;

  private constructor(path: string, known: Map<string, CachedDigest>) {
    this.#path = path;
    this.#known = known;
  }

  /** A cache that cannot be read is an empty one. */
  static async open(path: string): Promise<DigestCache> {
    try {
      const entries = JSON.parse(await readFile(path, "utf8")) as Record<string, CachedDigest>;
      return new DigestCache(path, new Map(Object.entries(entries)));
    } catch {
      return new DigestCache(path, new Map());
    }
  }

  /** Of a remote file the digest is its version: nothing is downloaded to learn whether it has changed. */
  async refOf(path: string): Promise<FileRef> {
    if (isRemote(path)) return { path, ...(await identityOf(path)) };
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true }).catch((error: unknown) => {
      throw localFault(path, error);
    });
    const stamp = `${size}-${mtimeNs}-${ctimeNs}-${ino}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return { path, sizeBytes: Number(size), digest: known.digest };
    const { sizeBytes, digest } = await identityOf(path);
    this.#known.set(path, { stamp, digest });
    this.#changed = true;
    return { path, sizeBytes, digest };
  }

  /** Whether a file of this machine that `refOf` was asked about has other bytes by now. One that is gone was read before. */
  async hasChanged({ path, digest }: FileRef): Promise<boolean> {
    if (isRemote(path) || !this.#known.has(path) || !existsSync(path)) return false;
    return (await this.refOf(path)).digest !== digest;
  }

  async save(): Promise<void> {
    if (!this.#changed) return;
    await writeFileAtomic(this.#path, `${JSON.stringify(Object.fromEntries(this.#known), null, 1)}\n`);
    this.#changed = false;
  }
}

/** Asking for a version takes a while and no processor. */
const ASKED_AT_A_TIME = 16;

async function remoteRefs(paths: readonly string[]): Promise<FileRef[]> {
  const refs: FileRef[] = [];
  for (let at = 0; at < paths.length; at += ASKED_AT_A_TIME) {
    const asked = paths.slice(at, at + ASKED_AT_A_TIME);
    refs.push(...(await Promise.all(asked.map(async (path) => ({ path, ...(await identityOf(path)) })))));
  }
  return refs;
}

export interface InputUse {
  readonly registry: Registry;
  readonly cache: DigestCache;
  /** The folder of the run, which is to read them. */
  readonly out: string;
  /** Where its stages write. */
  readonly folders: readonly string[];
  /** Whether a stage of the run takes them for documents. */
  readonly areDocuments: boolean;
}

/** From paths to the files that they stand for. */
export class InputResolver {
  readonly #use: InputUse;

  constructor(use: InputUse) {
    this.#use = use;
  }

  /**
   * Files that `path` stands for: the data of the stage, the shards or the checkpoint whose folder it is, else the corpus
   * files that a file, folder or pattern means.
   */
  async resolve(path: string): Promise<readonly FileRef[]> {
    if (isRemote(path)) {
      const files = await expandInput(path);
      await refuseBooks(path, files);
      return remoteRefs(files);
    }
    const { cache, areDocuments } = this.#use;
    // A folder of documents may have a file of a manifest's name.
    const own = (await this.#committed(path)) ?? (areDocuments ? undefined : await ownFiles(path, cache));
    return own ?? this.#corpus(path);
  }

  /** What a finished stage gives, unharmed; undefined where the folder is none. */
  async #committed(path: string): Promise<readonly FileRef[] | undefined> {
    const { registry, cache, areDocuments } = this.#use;
    const committed = await readStageFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOTDIR") return undefined;
      throw localFault(path, error);
    });
    if (committed === undefined) return undefined;
    const stage = await entryByName(registry, committed.stage).loadStage();
    const outputs = committed.outputs.map((output) => ({ ...output, path: join(path, output.path) }));
    const data = stage.dataOutputs(path, outputs);
    if (areDocuments) refuseNoDocuments(path, committed.stage, data);
    for (const { path: file, digest } of data) {
      if (!existsSync(file)) throw damaged(committed.stage, path, `${file} is missing`);
      if ((await cache.refOf(file)).digest !== digest)
        throw damaged(committed.stage, path, `${file} has other bytes than were written`);
    }
    return data;
  }

  async #corpus(path: string): Promise<readonly FileRef[]> {
    const { cache, out, folders, areDocuments } = this.#use;
    const isRun = existsSync(join(path, CONTROL_NAME)) || (await beginsAsJournal(join(path, JOURNAL_NAME)));
    if (isRun && relative(path, out) !== "") {
      throw invalid(
        "config-input",
        `expected a finished stage or a folder of documents for the input, got ${path}, which is neither`,
        { hint: "finish that run, or name the folder of one of its stages" },
      );
    }
    const files = await expandInput(path);
    if (areDocuments) {
      await refuseOwnResults(path, files, folders);
      await refuseBooks(path, files);
    }
    const refs: FileRef[] = [];
    for (const file of files) refs.push(await cache.refOf(file));
    return refs;
  }
}

function damaged(stage: string, dir: string, damage: string): Error {
  return invalid("stage-damaged", `expected the outputs of ${stage} in ${dir} as they were written, but ${damage}`, {
    hint: "run that stage again, or name the file itself as the input",
  });
}

/** What stands for a folder of ours that no stage has committed: copied shards, a checkpoint, training that was stopped. */
async function ownFiles(dir: string, cache: DigestCache): Promise<readonly FileRef[] | undefined> {
  const manifest = join(dir, MANIFEST_FILE);
  if (existsSync(manifest)) return [await cache.refOf(manifest)];
  const newest = (await listCheckpoints(join(dir, "checkpoints")).catch(() => [])).at(-1) ?? dir;
  const files = [STATE_NAME, WEIGHTS_NAME].map((name) => join(newest, name));
  if (!files.every((file) => existsSync(file))) return undefined;
  return Promise.all(files.map((file) => cache.refOf(file)));
}

/** What identifies an input in a stage's key: documents take names from the file's name, not from where it lies. */
export function inputIdentity({
  path,
  digest,
  fields,
}: FileRef): Pick<FileRef, "digest" | "fields"> & { name: string } {
  return { name: basename(path), digest, ...(fields === undefined ? {} : { fields }) };
}
