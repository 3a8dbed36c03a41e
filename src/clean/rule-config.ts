// What one may choose about each rule. A rule that is named is on; `language: {keep: [en]}`, `unicodeRepair: {}`. Defaults are
// the published ones; where they come from stands at the head of each rule's file.
import { resolve } from "node:path";
import { z } from "../base/schema.js";
import { BAD_WORDS_VERSION } from "./filters/bad-words.js";
import { BLOCKED_URLS_VERSION } from "./filters/blocked-urls.js";
import { C4_LINES_VERSION } from "./filters/c4-lines.js";
import { GOPHER_QUALITY_VERSION } from "./filters/gopher-quality.js";
import { GOPHER_REPETITION_VERSION } from "./filters/gopher-repetition.js";
import { LANGUAGE_VERSION, LANGUAGES } from "./filters/language.js";
import { LISTED_TITLES_VERSION } from "./filters/listed-titles.js";
import { STORY_NEWLINES_VERSION } from "./filters/story-newlines.js";
import { UNICODE_REPAIR_VERSION } from "./filters/unicode-repair.js";

const share = z.number().min(0).max(1);
const field = z.string().min(1);
/** Absolute in the plan, so that a worker reads the file that the journal's key was made of. */
const listFile = z
  .string()
  .min(1)
  .transform((path) => resolve(path));

/** Pairs of fields of which the first may not exceed the second: no document could pass. */
type Ordered = readonly (readonly [least: string, most: string])[];

/** Blames the one of the two that was written: defaults go together. */
function refuseCrossed(
  least: string,
  most: string,
  limits: Readonly<Record<string, number>>,
  shape: z.core.$ZodLooseShape,
  context: z.RefinementCtx,
): void {
  const [low, high] = [limits[least]!, limits[most]!];
  if (low <= high) return;
  const isWritten = (shape[least] as z.ZodType).safeParse(undefined).data !== low;
  const [path, message] = isWritten
    ? [least, `expected a number of at most ${most} (${high})`]
    : [most, `expected a number of at least ${least} (${low})`];
  context.addIssue({ code: "custom", message, path: [path] });
}

function rule<V extends number, S extends z.core.$ZodLooseShape>(version: V, shape: S, ordered: Ordered = []) {
  const fields = z
    .strictObject({
      /** Stands in plans: one made by another version of the rule is refused. */
      version: z.literal(version).default(() => version),
      /** Names of sources, `*` for any characters: the rule is for their documents only. */
      sources: z.array(z.string().min(1)).min(1).optional(),
      ...shape,
    })
    .superRefine((config, context) => {
      const limits = config as unknown as Readonly<Record<string, number>>;
      for (const [least, most] of ordered) refuseCrossed(least, most, limits, shape, context);
    });
  // `false` is how an argument turns off what a file turns on.
  return z.preprocess((value) => (value === false ? undefined : value), fields.optional()).optional();
}

/** Members of the stage's schema. */
export const ruleFields = {
  /** Rejects "blocked-url". */
  blockedUrls: rule(BLOCKED_URLS_VERSION, {
    field: field.default("url"),
    domains: listFile.optional(),
    extensions: listFile.optional(),
    urls: listFile.optional(),
    malformed: z.boolean().default(true),
  }),
  /** Rejects "listed-title". */
  listedTitles: rule(LISTED_TITLES_VERSION, { field: field.default("title"), file: listFile }),
  /** Repairs UTF-8 that was read as windows-1252 or ISO 8859-1. */
  unicodeRepair: rule(UNICODE_REPAIR_VERSION, {}),
  /** Joins lines that were broken inside sentences. */
  storyNewlines: rule(STORY_NEWLINES_VERSION, {}),
  /** Drops lines, then rejects "unfit-page". */
  c4Lines: rule(C4_LINES_VERSION, {
    minWords: z.int().min(0).default(5),
    minSentences: z.int().min(0).default(3),
    maxWordLength: z.int().min(1).default(1000),
  }),
  /** Rejects "bad-word". */
  badWords: rule(BAD_WORDS_VERSION, { file: listFile, anywhere: z.boolean().default(false) }),
  /** Rejects "other-language". */
  language: rule(LANGUAGE_VERSION, { keep: z.array(z.enum(LANGUAGES)).min(1) }),
  /** Rejects "low-quality". */
  gopherQuality: rule(
    GOPHER_QUALITY_VERSION,
    {
      minWords: z.int().min(0).default(50),
      maxWords: z.int().min(1).default(100_000),
      minWordLength: z.number().min(0).default(3),
      maxWordLength: z.number().min(0).default(10),
      maxSymbols: z.number().min(0).default(0.1),
      maxBulletLines: share.default(0.9),
      maxEllipsisLines: share.default(0.3),
      minWordsWithLetters: share.default(0.8),
      minStopWords: z.int().min(0).max(8).default(2),
    },
    [
      ["minWords", "maxWords"],
      ["minWordLength", "maxWordLength"],
    ],
  ),
  /** Rejects "repetitive". */
  gopherRepetition: rule(GOPHER_REPETITION_VERSION, {
    maxLines: share.default(0.3),
    maxParagraphs: share.default(0.3),
    maxLineCharacters: share.default(0.2),
    maxParagraphCharacters: share.default(0.2),
    maxTopNgrams: z.array(share).length(3).default([0.2, 0.18, 0.16]),
    maxRepeatedNgrams: z.array(share).length(6).default([0.15, 0.14, 0.13, 0.12, 0.11, 0.1]),
  }),
};
