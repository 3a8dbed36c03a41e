// The rules of a run in their order, which is fixed: documents that can be dropped unread go first; what changes a text comes
// before what judges it; what costs most comes last.
//
//   blockedUrls, listedTitles      by fields, the text is not looked at
//   unicodeRepair                  texts change
//   nfc, newlines                  texts change, in native code
//   storyNewlines, c4Lines         texts change
//   language, badWords, gopherQuality, c4Lines, gopherRepetition, minTokens       by the text
import { CHANGED_PREFIX } from "../formats/rewritten.js";
import { native } from "../native.js";
import { type DocumentBlock, textOf } from "../records/document-block.js";
import type { CleanConfig } from "./config.js";
import type { Filter, Judge, Rewriter, RuleConfig } from "./filter.js";
import { judgeBadWords } from "./filters/bad-words.js";
import { judgeUrls } from "./filters/blocked-urls.js";
import { judgeC4Page, keepC4Lines } from "./filters/c4-lines.js";
import { judgeGopherQuality } from "./filters/gopher-quality.js";
import { judgeGopherRepetition } from "./filters/gopher-repetition.js";
import { judgeLanguage, loadIdentifier } from "./filters/language.js";
import { judgeTitles } from "./filters/listed-titles.js";
import { type FieldOf, fieldReader } from "./filters/meta-field.js";
import { joinStoryLines } from "./filters/story-newlines.js";
import { mayBeMisread, repairUnicode } from "./filters/unicode-repair.js";
import { minTokensFilter } from "./min-tokens.js";
import { rewriteTexts } from "./rewrite.js";
import { rowsOf } from "./sources.js";

type Reject = (row: number, reason: string, detail: string) => void;

interface Step {
  /** As the configuration calls it. */
  readonly name: string;
  readonly sources?: readonly string[] | undefined;
  readonly rule: { readonly filter: Filter } | { readonly rewriter: Rewriter } | { readonly normalize: true };
}

export interface RuleOutcome {
  readonly block: DocumentBlock;
  readonly keep: Uint8Array;
  /** By row, ascending: the rules that changed the document's text. */
  readonly rewritten: ReadonlyMap<number, readonly string[]>;
  /** `changed_<rewriter>` documents, and `micros_<rule>`: time on this thread, for rules that are off by default. */
  readonly counts: Readonly<Record<string, number>>;
}

function byField(reason: string, fieldOf: FieldOf, judge: Judge): Filter {
  return {
    reason,
    apply(block, keep, reject) {
      for (let row = 0; row < block.numDocuments; row += 1) {
        if (keep[row] === 0) continue;
        const value = fieldOf(block, row);
        const detail = value === undefined ? undefined : judge(value);
        if (detail !== undefined) reject(row, detail);
      }
    },
  };
}

function byText(reason: string, judge: Judge): Filter {
  return byField(reason, textOf, judge);
}

async function stepsOf(config: CleanConfig): Promise<Step[]> {
  const { blockedUrls, listedTitles, unicodeRepair, storyNewlines, c4Lines, language } = config;
  const { badWords, gopherQuality, gopherRepetition } = config;
  const steps: Step[] = [];
  const filter = (name: string, { sources }: Partial<RuleConfig>, rule: Filter): void => {
    steps.push({ name, sources, rule: { filter: rule } });
  };
  const rewriter = ({ sources }: RuleConfig, rule: Rewriter): void => {
    steps.push({ name: rule.name, sources, rule: { rewriter: rule } });
  };
  if (blockedUrls) {
    filter(
      "blockedUrls",
      blockedUrls,
      byField("blocked-url", fieldReader(blockedUrls.field, config), judgeUrls(blockedUrls)),
    );
  }
  if (listedTitles) {
    const fieldOf = fieldReader(listedTitles.field, config);
    filter("listedTitles", listedTitles, byField("listed-title", fieldOf, judgeTitles(listedTitles)));
  }
  if (unicodeRepair) {
    rewriter(unicodeRepair, { name: "unicodeRepair", rewrite: repairUnicode, mayChange: mayBeMisread });
  }
  if (config.nfc || config.newlines) steps.push({ name: "normalize", rule: { normalize: true } });
  if (storyNewlines) rewriter(storyNewlines, { name: "storyNewlines", rewrite: joinStoryLines });
  if (c4Lines) rewriter(c4Lines, { name: "c4Lines", rewrite: (text) => keepC4Lines(c4Lines, text) });
  if (language) filter("language", language, byText("other-language", judgeLanguage(language, await loadIdentifier())));
  if (badWords) filter("badWords", badWords, byText("bad-word", judgeBadWords(badWords)));
  if (gopherQuality) {
    filter(
      "gopherQuality",
      gopherQuality,
      byText("low-quality", (text) => judgeGopherQuality(gopherQuality, text)),
    );
  }
  if (c4Lines)
    filter(
      "c4Lines",
      c4Lines,
      byText("unfit-page", (text) => judgeC4Page(c4Lines, text)),
    );
  if (gopherRepetition) {
    const judge: Judge = (text) => judgeGopherRepetition(gopherRepetition, text);
    filter("gopherRepetition", gopherRepetition, byText("repetitive", judge));
  }
  if (config.minTokens > 0) filter("minTokens", {}, minTokensFilter(config.minTokens, config.tokenizer));
  return steps;
}

/** What every run does costs what it costs; of rules that a recipe asks for, their price is told. */
function isOption(name: string): boolean {
  return name !== "normalize" && name !== "minTokens";
}

/** Every document of a block through every rule; a rejected one meets no further rule. */
export type Rules = (block: DocumentBlock, reject: Reject) => RuleOutcome;

/** Made once a task: lists are read and vocabularies loaded here. */
export async function prepareRules(config: CleanConfig): Promise<Rules> {
  const steps = await stepsOf(config);
  return (block, reject) => applySteps(steps, block, config, reject);
}

function applySteps(steps: readonly Step[], asRead: DocumentBlock, config: CleanConfig, reject: Reject): RuleOutcome {
  const keep = new Uint8Array(asRead.numDocuments).fill(1);
  const counts: Record<string, number> = {};
  const rewritten = new Map<number, string[]>();
  let block = asRead;
  for (const { name, sources, rule } of steps) {
    const begin = performance.now();
    if ("normalize" in rule) {
      const { nfc, newlines } = config;
      const { text, offsets } = native().normalizeTexts(block.text, block.textOffsets, { nfc, newlines });
      block = { ...block, text, textOffsets: offsets };
    } else if ("rewriter" in rule) {
      const { block: after, changed } = rewriteTexts(block, rowsOf(block, keep, sources), rule.rewriter);
      block = after;
      if (changed.length > 0) counts[CHANGED_PREFIX + name] = changed.length;
      for (const row of changed) rewritten.set(row, [...(rewritten.get(row) ?? []), name]);
    } else {
      rule.filter.apply(block, rowsOf(block, keep, sources), (row, detail) => {
        keep[row] = 0;
        reject(row, rule.filter.reason, detail);
      });
    }
    if (isOption(name)) {
      const micros = `micros_${name}`;
      counts[micros] = (counts[micros] ?? 0) + Math.round((performance.now() - begin) * 1000);
    }
  }
  return { block, keep, rewritten: new Map([...rewritten].sort(([a], [b]) => a - b)), counts };
}
