// Normalizers of a tokenizer.json: one function a component, made once from its JSON.
import { type AlignedText, changed, normalized, prepended } from "./aligned-text.js";
import { toByteCharacters } from "./byte-alphabet.js";
import { combiningMarks, controlCharacters, nonspacingMarks, whiteSpace } from "./characters.js";
import type { JsonNode } from "./json-node.js";
import { lowerCase, type NormalForm, normalForm } from "./normal-forms.js";
import { precompiledNormalizer } from "./precompiled.js";
import { type FindParts, patternFinder } from "./regular-expression.js";

export type Normalizer = (text: AlignedText) => AlignedText;

type Make = (node: JsonNode) => Normalizer;

const MAKERS: Readonly<Record<string, Make>> = {
  NFC: form("NFC"),
  NFD: form("NFD"),
  NFKC: form("NFKC"),
  NFKD: form("NFKD"),
  Lowercase: unconfigured(lowerCase),
  StripAccents: unconfigured((text) => without(text, (cp) => combiningMarks().has(cp))),
  Nmt: unconfigured(nmt),
  ByteLevel: unconfigured(toByteCharacters),
  Strip: strip,
  Replace: replace,
  Prepend(node) {
    const before = node.only("type", "prepend").field("prepend").string();
    return (text) => (text.text === "" ? text : prepended(before, text));
  },
  BertNormalizer: bert,
  Precompiled(node) {
    const change = precompiledNormalizer(node.only("type", "precompiled_charsmap").field("precompiled_charsmap"));
    return (text) => changed(text, change);
  },
  Sequence(node) {
    const steps = node.only("type", "normalizers").field("normalizers").array().map(readNormalizer);
    return (text) => steps.reduce((changing, step) => step(changing), text);
  },
};

/** Throws `config-tokenizer` for a component that is not known, by name and path. */
export function readNormalizer(node: JsonNode): Normalizer {
  const type = node.field("type").string();
  const make = Object.hasOwn(MAKERS, type) ? MAKERS[type] : undefined;
  if (make === undefined) throw node.field("type").refusal(`a normalizer (${Object.keys(MAKERS).join(", ")})`);
  return make(node);
}

function unconfigured(change: (text: string) => string): Make {
  return (node) => {
    node.only("type");
    return (text) => changed(text, change);
  };
}

function form(name: NormalForm): Make {
  return (node) => {
    node.only("type");
    return (text) => normalized(text, (part) => normalForm(part, name));
  };
}

/** Characters that are not in the set. */
function without(text: string, isRemoved: (codePoint: number) => boolean): string {
  let result = "";
  let begin = 0;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i)!;
    const next = i + (codePoint > 0xffff ? 2 : 1);
    if (isRemoved(codePoint)) {
      result += text.slice(begin, i);
      begin = next;
    }
    i = next;
  }
  return begin === 0 ? text : result + text.slice(begin);
}

/** Unlike trim(): U+FEFF is no white space, U+0085 is. */
function strip(node: JsonNode): Normalizer {
  node.only("type", "strip_left", "strip_right");
  const left = node.field("strip_left").boolean();
  const right = node.field("strip_right").boolean();
  return ({ text, head }) => {
    const space = whiteSpace();
    let begin = 0;
    let end = text.length;
    while (left && begin < end && space.has(text.charCodeAt(begin))) begin += 1;
    while (right && end > begin && space.has(text.charCodeAt(end - 1))) end -= 1;
    return { text: text.slice(begin, end), head: Math.max(0, Math.min(head, end) - begin) };
  };
}

function replace(node: JsonNode): Normalizer {
  node.only("type", "pattern", "content");
  const content = node.field("content").string();
  return replacer(patternFinder(node.field("pattern")), content);
}

/** A match becomes `content`, aligned with the match's last character. */
export function replacer(find: FindParts, content: string): Normalizer {
  return ({ text, head }) => {
    const { ends, isMatch } = find(text);
    let result = "";
    let newHead = 0;
    let begin = 0;
    for (const [i, end] of ends.entries()) {
      const part = isMatch[i] ? content : text.slice(begin, end);
      if (!isMatch[i]) newHead += Math.max(0, Math.min(head, end) - begin);
      else if (head > 0 && end - 1 < head && newHead === result.length) newHead += content.length;
      result += part;
      begin = end;
    }
    return { text: result, head: newHead };
  };
}

function nmt(text: string): string {
  const removed = without(
    text,
    (cp) =>
      (cp >= 0x1 && cp <= 0x8) || cp === 0xb || (cp >= 0xe && cp <= 0x1f) || cp === 0x7f || cp === 0x8f || cp === 0x9f,
  );
  return removed.replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");
}

function bert(node: JsonNode): Normalizer {
  node.only("type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase");
  const lower = node.field("lowercase").boolean();
  const accents = node.field("strip_accents");
  const steps: ((text: string) => string)[] = [];
  if (node.field("clean_text").boolean()) steps.push(cleaned);
  if (node.field("handle_chinese_chars").boolean()) steps.push((text) => text.replace(IDEOGRAPHS, " $& "));
  if (accents.isAbsent ? lower : accents.boolean()) {
    steps.push((text) => without(normalForm(text, "NFD"), (cp) => nonspacingMarks().has(cp)));
  }
  if (lower) steps.push(lowerCase);
  return (text) => steps.reduce(changed, text);
}

/** The library's own list, one range of which begins later than Unicode's. */
const IDEOGRAPHS =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function cleaned(text: string): string {
  const kept = without(text, (cp) => controlCharacters().has(cp) || cp === 0 || cp === 0xfffd);
  return kept.replace(/[\t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g, " ");
}
