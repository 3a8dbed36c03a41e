// The read stage: which files, cut into which blocks, and what documents a block holds.
export { blockReader, createBlockReader } from "./block-reader.js";
export { expandInput } from "./discover.js";
export { isPattern } from "./patterns.js";
