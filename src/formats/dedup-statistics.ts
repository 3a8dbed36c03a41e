// statistics.json of a deduplicated corpus (docs/formats/dedup-statistics.md): what was compared, what became of the records,
// and how many near-duplicates the bands find, measured on a sample of the very corpus. Written once, by the stage's task
// `statistics`; the command line, the report and `explain` read it. The same for the same input: no times, no machine.
import { readFile } from "node:fs/promises";
import { invalid } from "../base/errors.js";
import { z } from "../base/schema.js";
import { DEDUP_STATISTICS_FORMAT, DEDUP_STATISTICS_VERSION } from "./dedup-statistics-file.js";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const reasons = z.record(z.string(), count);

/** A share with the ends of its 95% interval. */
const interval = z.strictObject({ estimate: share, low: share, high: share });

const funnelSchema = z.strictObject({
  /** Records read = rejected + documents; documents = removed + kept; removed = exact copies + near-duplicates. */
  records_read: count,
  bytes_read: count,
  rejected: reasons,
  documents: count,
  exact_copies: count,
  candidate_pairs: count,
  verified_pairs: count,
  /** Edges: verified pairs above the threshold. */
  pairs_above: count,
  near_duplicates: count,
  removed: count,
  kept: count,
  bytes_kept: count,
});

const clustersSchema = z.strictObject({
  /** Kept documents that are the witness of one removed document or more. */
  clusters: count,
  /** Documents of a cluster: the kept one and those it is the witness of. Classes [from, to], empty ones left out. */
  sizes: z.array(z.strictObject({ from: count, to: count, clusters: count, documents: count })),
  /** Largest first, equals in the order of the input. */
  largest: z.array(z.strictObject({ kept: z.string(), documents: count })),
});

const sourcesSchema = z.strictObject({
  /** How many sources there are; `list` holds those with most documents. */
  sources: count,
  list: z.array(
    z.strictObject({
      source: z.string(),
      /** Documents and repeated ids; records that are no documents have no source. */
      read: count,
      rejected: count,
      exact_copies: count,
      near_duplicates: count,
      kept: count,
    }),
  ),
  /** Sources of which more than half of the documents were removed, those that lost most first. */
  alarms: z.array(z.strictObject({ source: z.string(), documents: count, removed: count })),
  /** Sources that raise the alarm, those left out of `alarms` counted. */
  num_alarms: count,
  /** Where removed documents came from and where their witnesses did, most frequent first. */
  witnesses: z.array(z.strictObject({ removed: z.string(), witness: z.string(), documents: count })),
});

const recallSchema = z.strictObject({
  /** Documents drawn, and documents they were drawn from: all but rejected ones and exact copies. */
  sampled: count,
  representatives: count,
  /** How the sample was joined with the corpus; see docs/formats/dedup-statistics.md. */
  join: z.strictObject({
    /** Least similarity of the sketches, in sixteenths, of all pairs that were looked at. */
    level: z.int().min(1).max(16),
    /** Pairs at `level` or above among the documents looked at. */
    candidates: count,
    /** Pairs of which the exact similarity was computed. */
    compared: count,
    /** Share of the corpus that the sample was joined with. */
    share_of_documents: share,
    /** Share of the candidates that were compared; 1 unless there were too many. */
    share_of_candidates: share,
    /** Chance that the sketches of a pair at the threshold are below `level`. */
    missed_at_threshold: share,
  }),
  /** Pairs above the threshold, each once, and how many of them share a band. */
  pairs: count,
  found: count,
  /** Pairs above the threshold of which both documents were kept. */
  both_kept: count,
  /** Share of the pairs above the threshold that share a band; null when the sample holds none. */
  recall: interval.nullable(),
  /** Share of the pairs above the threshold of which both documents were kept; null when the sample holds none. */
  escaped: interval.nullable(),
  /** The same in words. */
  sentence: z.string(),
});

const curveSchema = z.array(
  z.strictObject({
    /** Similarities in [from, to), the last class with its end. */
    from: share,
    to: share,
    pairs: count,
    found: count,
    /** Mean of 1 - (1 - s^rows)^bands over these pairs. */
    theory: share,
  }),
);

const boilerplateSchema = z.strictObject({
  /** Documents looked at: part of the sample. */
  documents: count,
  /** Stretches of text whose every shingle is frequent, most frequent first. */
  passages: z.array(
    z.strictObject({
      text: z.string(),
      shingles: count,
      /** Documents that hold its most and its least frequent shingle. */
      documents: count,
      least_documents: count,
    }),
  ),
});

const statisticsSchema = z.strictObject({
  format: z.literal(DEDUP_STATISTICS_FORMAT),
  version: z.literal(DEDUP_STATISTICS_VERSION),
  shingling: z.strictObject({ unit: z.enum(["word", "char"]), size: z.int().positive(), sentence: z.string() }),
  threshold: share,
  keep: z.string(),
  engine: z.string(),
  /** All pairs were joined exactly: no pair can be missed, whatever the bands are. */
  exact: z.boolean(),
  bands: z.int().positive(),
  rows: z.int().positive(),
  theory_at_threshold: share,
  funnel: funnelSchema,
  clusters: clustersSchema,
  sources: sourcesSchema,
  recall: recallSchema,
  curve: curveSchema,
  boilerplate: boilerplateSchema,
  /** Files with rejected records, those with most first. */
  unreadable: z.strictObject({
    files: count,
    list: z.array(z.strictObject({ file: z.string(), rejected: reasons })),
  }),
});

export type DedupStatistics = z.infer<typeof statisticsSchema>;
export type DedupRecall = DedupStatistics["recall"];
export type DedupInterval = z.infer<typeof interval>;

/** Undefined when there is no such file. */
export async function readDedupStatistics(path: string): Promise<DedupStatistics | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const parsed = statisticsSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const place = issue.path.length === 0 ? "the whole" : issue.path.join(".");
  throw invalid(
    "statistics-damaged",
    `expected dedup statistics in ${path}, got something else at ${place}: ${issue.message}`,
    {
      where: { file: path },
      hint: "remove the stage's folder and run dedup again",
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
