// Rows of Parquet as lines of JSON, put together from leaf columns by their levels (Melnik et al., "Dremel", 2010). A null
// column or field is no member of its object; in lists and maps it is null.

import type { LeafCursor } from "./parquet-leaf.js";
import type { SchemaElement } from "./parquet-library.js";
import type { Levels, ParquetLeaf, ParquetNode } from "./parquet-schema.js";
import { leafForm } from "./parquet-values.js";
import type { RowLines } from "./row-lines.js";

/** What stands next in the columns of one node. */
interface Cell {
  /** Null, or a value that has no JSON form. To be asked once for each value. */
  isAbsent(): boolean;
  /** Writes what is not absent. */
  write(): void;
  /** Passes over what is absent. */
  skip(): void;
}

export interface RowSource {
  readonly columns: readonly ParquetNode[];
  readonly leaves: readonly ParquetLeaf[];
  readonly cursors: readonly LeafCursor[];
  /** Whether a field of the documents is read from the leaf. */
  readonly isText: (path: readonly string[]) => boolean;
}

/** Writes the next row, all of whose values are here, as the members of the object that is open. */
export function rowWriter(source: RowSource, rows: RowLines): () => void {
  return membersOf(source.columns, source, rows);
}

function membersOf(nodes: readonly ParquetNode[], source: RowSource, rows: RowLines): () => void {
  const members = nodes.map((node) => ({ key: node.key, cell: cellOf(node, source, rows) }));
  return () => {
    for (const { key, cell } of members) {
      if (cell.isAbsent()) {
        cell.skip();
      } else {
        rows.member(key);
        cell.write();
      }
    }
  };
}

function cellOf(node: ParquetNode, source: RowSource, rows: RowLines): Cell {
  const { kind, isOptional, definition } = node;
  if (kind.is === "leaf") return leafCell(node, kind.leaf, source, rows);
  const cursors = node.leaves.map((leaf) => source.cursors[leaf]!);
  const first = cursors[0]!;
  const isAbsent = (): boolean => isOptional && first.definition() < definition;
  // What is not there has one entry in each leaf, which says how much of the path to it is.
  const skip = (): void => {
    for (const cursor of cursors) cursor.advance();
  };
  if (kind.is === "struct") {
    const writeMembers = membersOf(kind.children, source, rows);
    const write = (): void => {
      rows.beginObject();
      writeMembers();
      rows.endObject();
    };
    return { isAbsent, skip, write };
  }
  if (kind.is === "list") {
    const element = elementOf(cellOf(kind.element, source, rows), rows);
    return { isAbsent, skip, write: () => writeList(first, kind.repeated, skip, element, rows) };
  }
  const [key, value] = kind.entry;
  if (key.kind.is === "leaf" && formOf(key.kind.leaf, source).kind === "text") {
    const [keys, values] = [source.cursors[key.kind.leaf]!, elementOf(cellOf(value, source, rows), rows)];
    const entry = (): void => {
      rows.memberNamed((keys.value() as Uint8Array | undefined) ?? new Uint8Array(0));
      keys.advance();
      values();
    };
    return { isAbsent, skip, write: () => writeMap(first, kind.repeated, skip, entry, rows) };
  }
  const writeEntry = membersOf([key, value], source, rows);
  const entry = (): void => {
    rows.beginObject();
    writeEntry();
    rows.endObject();
  };
  return { isAbsent, skip, write: () => writeList(first, kind.repeated, skip, entry, rows) };
}

function elementOf(cell: Cell, rows: RowLines): () => void {
  return () => {
    if (cell.isAbsent()) {
      rows.ascii("null");
      cell.skip();
    } else {
      cell.write();
    }
  };
}

function writeList(first: LeafCursor, repeated: Levels, skip: () => void, element: () => void, rows: RowLines): void {
  if (first.definition() < repeated.definition) {
    skip();
    rows.ascii("[]");
    return;
  }
  rows.ascii("[");
  element();
  while (first.repetition() === repeated.repetition) {
    rows.ascii(",");
    element();
  }
  rows.ascii("]");
}

function writeMap(first: LeafCursor, repeated: Levels, skip: () => void, entry: () => void, rows: RowLines): void {
  rows.beginObject();
  if (first.definition() < repeated.definition) skip();
  else
    do entry();
    while (first.repetition() === repeated.repetition);
  rows.endObject();
}

function formOf(leaf: number, { leaves, isText }: RowSource): ReturnType<typeof leafForm> {
  const { schemaPath, path } = leaves[leaf]!;
  const element: SchemaElement = schemaPath[schemaPath.length - 1]!.element;
  return leafForm(element, isText(path));
}

function leafCell(node: ParquetNode, leaf: number, source: RowSource, rows: RowLines): Cell {
  const cursor = source.cursors[leaf]!;
  const form = formOf(leaf, source);
  const skip = (): void => cursor.advance();
  const isNull = (): boolean => node.isOptional && cursor.definition() < node.definition;
  if (form.kind === "text") {
    const write = (): void => {
      rows.text(cursor.value() as Uint8Array);
      cursor.advance();
    };
    return { isAbsent: isNull, skip, write };
  }
  let json: string | undefined;
  const write = (): void => {
    rows.ascii(json!);
    cursor.advance();
  };
  const isAbsent = (): boolean => {
    json = isNull() ? undefined : form.of(cursor.value());
    return json === undefined;
  };
  return { isAbsent, skip, write };
}
