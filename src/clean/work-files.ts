// Names of the files of a cleaning run. Those between phases lie in the work folder, the parts at the end in the stage's.

/** JSON lines of the documents a block keeps: in the work folder before duplicate ids are known, final in the stage's. */
export function partPath(block: string): string {
  return `part-${block}.jsonl`;
}

export function isPart(name: string): boolean {
  return /^part-[\d-]+\.jsonl$/.test(name);
}

export function idsPath(block: string): string {
  return `ids-${block}.bin`;
}

export function rejectedPath(block: string): string {
  return `rejected-${block}.jsonl`;
}

/** Rows of a block that one share of the search for duplicate ids refuses. */
export function duplicatesPath(share: string, block: string): string {
  return `duplicates-${share}-${block}.jsonl`;
}

/** Below the stage's folder. */
