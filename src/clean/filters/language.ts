// Keeps documents of the languages that are asked for. The language is what the npm package eld (60 languages, byte n-grams,
// nothing downloaded) says of a sample: four pieces of the text, evenly spread, at word borders, because a page's beginning is
// often its menu. docs/decisions/0014 has the accuracy.
import type { Judge, RuleConfig } from "../filter.js";

export const LANGUAGE_VERSION = 1;

export interface LanguageConfig extends RuleConfig {
  /** ISO 639-1 codes. */
  readonly keep: readonly string[];
}

/** The languages that eld tells apart. */
// biome-ignore format: a table
export const LANGUAGES = [
  "am", "ar", "az", "be", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "gu", "he",
  "hi", "hr", "hu", "hy", "is", "it", "ja", "ka", "kn", "ko", "ku", "lo", "lt", "lv", "ml", "mr", "ms", "nl", "no", "or",
  "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "yo", "zh",
] as const;

/** eld reads no more than 1000 UTF-16 units. */
const PIECES = 4;
const PIECE_UNITS = 240;

function sampleOf(text: string): string {
  if (text.length <= PIECES * PIECE_UNITS) return text;
  const step = (text.length - PIECE_UNITS) / (PIECES - 1);
  const pieces = Array.from({ length: PIECES }, (_, i) => {
    const begin = Math.floor(i * step);
    const piece = text.slice(begin, begin + PIECE_UNITS);
    // A word cut at its begin is another word; scripts without spaces have none to cut at.
    return i === 0 ? piece : piece.replace(/^\S{1,40}\s/u, "");
  });
  return pieces.join("\n");
}

/** "" where there is nothing to tell a language by. */
export type Identify = (text: string) => string;

/** Loads the model on first use: a worker without this filter does not wait for it. */
export async function loadIdentifier(): Promise<Identify> {
  const { eld } = await import("eld/medium");
  return (text) => eld.detect(sampleOf(text)).language;
}

export function judgeLanguage({ keep }: LanguageConfig, identify: Identify): Judge {
  const wanted = new Set(keep);
  return (text) => {
    const language = identify(text);
    if (wanted.has(language)) return undefined;
    return language === "" ? "no language that could be told" : `the language is ${language}`;
  };
}
