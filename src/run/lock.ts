// One run a folder: a lock file names the process that works there. A lock whose process is gone is taken over, so a killed
// run never has to be cleaned up by hand.
import { link, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same number; empty where the system does not say. */
  readonly started: string;
}

export interface Lock {
  release(): Promise<void>;
}

export async function acquireLock(path: string): Promise<Lock> {
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: await startOf(process.pid),
  } satisfies Holder);
  let created: string | undefined;
  for (;;) {
    const made = await makeFolders(dirname(path)).catch((error: NodeJS.ErrnoException) => {
      throw unusable(dirname(dirname(path)), error);
    });
    created ??= made;
    // A file is linked into place, so that no one ever reads a lock half written.
    const draft = join(dirname(path), `.lock-${process.pid}`);
    try {
      await writeFile(draft, mine);
    } catch (error) {
      // Another run has just released its lock and taken the empty folder away.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw unusable(dirname(dirname(path)), error as NodeJS.ErrnoException);
    }
    const taken = await link(draft, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw error;
      },
    );
    await rm(draft, { force: true });
    if (taken) return { release: () => release(path, mine, created) };

    const found = await readFile(path, "utf8").catch(() => undefined);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder !== undefined && (await isAlive(holder))) {
      const place = holder.host === hostname() ? "" : ` on ${holder.host}`;
      throw invalid(
        "run-locked",
        `expected no other run in ${dirname(dirname(path))}, got process ${holder.pid}${place} at work there`,
        {
          hint:
            holder.host === hostname()
              ? "wait for it, or choose another folder"
              : `if that process is gone, remove ${path}`,
        },
      );
    }
    await removeStale(path, found);
  }
}

const REFUSALS: readonly (string | undefined)[] = ["EACCES", "EEXIST", "ENOENT", "ENOTDIR", "EPERM", "EROFS"];

/** A folder that cannot be written to is the user's choice; a full disk is not. */
function unusable(out: string, error: NodeJS.ErrnoException): Error {
  if (!REFUSALS.includes(error.code)) return error;
  return invalid("config-out", `expected a folder that can be written to for the output, got ${out} (${error.code})`, {
    hint: "choose another folder",
    cause: error,
  });
}

/** Two processes may find the same stale lock: the one that moved a newer lock away puts it back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) !== stale) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** A run that was refused leaves nothing: neither the lock's folder, when nothing else is in it, nor those from `created` on. */
async function release(path: string, mine: string, created: string | undefined): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => "")) !== mine) return;
  await rm(path, { force: true });
  const first = resolve(created ?? dirname(path));
  for (let dir = resolve(dirname(path)); ; dir = dirname(dir)) {
    const removed = await rmdir(dir).then(
      () => true,
      () => false,
    );
    if (!removed || dir.length <= first.length) return;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return typeof holder.pid === "number" ? holder : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return holder.started === (await startOf(holder.pid));
}

/**
 * Start time in clock ticks since boot, from Linux's process table; empty on other systems. A process that has ended and
 * only waits for its parent to notice has none.
 */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command's name stands in brackets and may hold spaces; behind it come the state and, 19 fields on, the start time.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "ended" : (fields[19] ?? "");
}
