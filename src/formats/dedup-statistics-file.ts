// How statistics.json is named and written, apart from the schema that its readers check it with: workers do without that.
import type { DedupStatistics } from "./dedup-statistics.js";

export const DEDUP_STATISTICS_FILE = "statistics.json";
export const DEDUP_STATISTICS_FORMAT = "millrace-dedup-statistics";
export const DEDUP_STATISTICS_VERSION = 1;

export function formatDedupStatistics(statistics: DedupStatistics): string {
  return `${JSON.stringify(statistics, null, 2)}\n`;
}
