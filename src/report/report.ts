// Writes the report of a run: one HTML file that needs nothing else, not even a network.
import { join } from "node:path";
import { type WrittenFile, writeFileAtomic } from "../base/atomic.js";
import { registry } from "../run/registry.js";
import { renderPage } from "./page.js";
import { readRun } from "./run-data.js";

export interface ReportOptions {
  /** The run's folder, or that of a single stage. */
  readonly dir: string;
  /** report.html in that folder by default. */
  readonly out?: string | undefined;
}

export async function writeReport({ dir, out }: ReportOptions): Promise<WrittenFile> {
  const run = await readRun(dir, registry);
  return writeFileAtomic(out ?? join(dir, "report.html"), renderPage(run));
}
