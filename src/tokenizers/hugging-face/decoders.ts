// Decoders of a tokenizer.json: a list of tokens in, a list of texts out, which are joined in the end.
import { fromByteCharacters } from "./byte-alphabet.js";
import type { JsonNode } from "./json-node.js";
import { metaspaceOptions } from "./metaspace.js";
import { byteLevelOptions } from "./pre-tokenizers.js";
import { patternFinder } from "./regular-expression.js";

export type Decoder = (tokens: readonly string[]) => string[];

type Make = (node: JsonNode) => Decoder;

const MAKERS: Readonly<Record<string, Make>> = {
  ByteLevel(node) {
    byteLevelOptions(node);
    return (tokens) => [new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesOfTokens(tokens))];
  },
  WordPiece(node) {
    node.only("type", "prefix", "cleanup");
    return wordPiece(node.field("prefix").string(), node.field("cleanup").boolean());
  },
  Metaspace(node) {
    const { replacement, prepend } = metaspaceOptions(node);
    return (tokens) =>
      tokens.map((token, i) => token.replaceAll(replacement, i === 0 && prepend !== "never" ? "" : " "));
  },
  BPEDecoder(node) {
    const suffix = node.only("type", "suffix").field("suffix").string();
    return (tokens) => tokens.map((token, i) => replaced(token, suffix, i === tokens.length - 1 ? "" : " "));
  },
  ByteFallback(node) {
    node.only("type");
    return byteFallback;
  },
  Fuse(node) {
    node.only("type");
    return (tokens) => [tokens.join("")];
  },
  Strip(node) {
    node.only("type", "content", "start", "stop");
    const content = node.field("content").character();
    const [start, stop] = [node.field("start").wholeNumber(), node.field("stop").wholeNumber()];
    return (tokens) => tokens.map((token) => stripped(token, content, start, stop));
  },
  Replace(node) {
    node.only("type", "pattern", "content");
    const find = patternFinder(node.field("pattern"));
    const content = node.field("content").string();
    return (tokens) =>
      tokens.map((token) => {
        const { ends, isMatch } = find(token);
        return ends.map((end, i) => (isMatch[i] ? content : token.slice(i === 0 ? 0 : ends[i - 1], end))).join("");
      });
  },
  Sequence(node) {
    const steps = node.only("type", "decoders").field("decoders").array().map(readDecoder);
    return (tokens) => steps.reduce<string[]>((decoded, step) => step(decoded), [...tokens]);
  },
};

/** Throws `config-tokenizer` for a component that is not known, by name and path. */
export function readDecoder(node: JsonNode): Decoder {
  const type = node.field("type").string();
  const make = Object.hasOwn(MAKERS, type) ? MAKERS[type] : undefined;
  if (make === undefined) throw node.field("type").refusal(`a decoder (${Object.keys(MAKERS).join(", ")})`);
  return make(node);
}

/** Of tokens in the alphabet of bytes; another token stands for its own UTF-8. */
export function bytesOfTokens(tokens: readonly string[]): Uint8Array {
  return Buffer.concat(tokens.map((token) => Buffer.from(fromByteCharacters(token) ?? Buffer.from(token))));
}

/** An empty needle is found between all characters, as in the library. */
function replaced(text: string, needle: string, replacement: string): string {
  if (needle !== "") return text.replaceAll(needle, () => replacement);
  return replacement + [...text].map((character) => character + replacement).join("");
}

const ARTIFACTS = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const;

function wordPiece(prefix: string, cleansUp: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      const spaced = i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      if (!cleansUp) return spaced;
      return ARTIFACTS.reduce((text, [artifact, clean]) => text.replaceAll(artifact, clean), spaced);
    });
}

/** Tokens <0x00> to <0xFF> in a row are the bytes of a text, or each U+FFFD. */
function byteFallback(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      decoded.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      for (const _ of bytes) decoded.push("\ufffd");
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      flush();
      decoded.push(token);
    }
  }
  flush();
  return decoded;
}

function stripped(token: string, content: string, start: number, stop: number): string {
  const characters = [...token];
  let begin = 0;
  while (begin < Math.min(start, characters.length) && characters[begin] === content) begin += 1;
  let end = characters.length;
  while (characters.length - end < stop && end > begin && characters[end - 1] === content) end -= 1;
  return characters.slice(begin, end).join("");
}
