// Folders and those above them. In node:fs, the recursive mkdir never ends where the system says that a path does not exist
// whose parent does, as below /proc (seen in Node 20.19).
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes what lacks of `path`. The first folder made, or undefined when all were there; throws as `mkdir` does. */
export async function makeFolders(path: string): Promise<string | undefined> {
  const error = await make(path);
  if (error === undefined) return path;
  if (await isFolder(path)) return undefined;
  if (error.code !== "ENOENT" || dirname(path) === path) throw error;
  const first = await makeFolders(dirname(path));
  const again = await make(path);
  if (again === undefined) return first ?? path;
  // Somebody else made it in between.
  if (await isFolder(path)) return first;
  throw again;
}

async function make(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return mkdir(path).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
