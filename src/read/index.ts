// The read stage: which files, cut into which blocks, and what documents a block holds; and what a file looks like.
export { blockReader, createBlockReader } from "./block-reader.js";
export { expandInput } from "./discover.js";
export { type FieldLayout, type JsonLayout, longestField, type RecordsLayout, readJsonLayout } from "./layout.js";
export { isPattern } from "./patterns.js";
export { tableColumns } from "./tables/table-columns.js";
