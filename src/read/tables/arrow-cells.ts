// Columns of an Arrow record batch as lines of JSON, straight from their buffers: the library's own accessors decode texts
// with what is not UTF-8 replaced, and round moments and decimals.
import { type Data, type DataType, Type, UnionMode } from "../../formats/arrow.js";
import { jsonReader } from "./arrow-values.js";
import { base64Json } from "./json-values.js";
import type { RowLines } from "./row-lines.js";

/** The values of one column or field. */
export interface ArrowCell {
  /** Null, or a value that has no JSON form. */
  isAbsent(row: number): boolean;
  write(row: number): void;
}

/** `isText`: a field of the documents is read from it, so that bytes are its text. */
export function arrowCell(
  data: Data,
  rows: RowLines,
  isText: (path: readonly string[]) => boolean,
  path: readonly string[],
): ArrowCell {
  const nested = (child: Data, name: string): ArrowCell => arrowCell(child, rows, isText, [...path, name]);
  const element = (child: Data): ArrowCell => arrowCell(child, rows, () => false, path);
  const isNull = nullsOf(data);
  switch (data.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary: {
      const bytesOf = bytesReader(data);
      const isString = [Type.Utf8, Type.LargeUtf8, Type.Utf8View].includes(data.typeId) || isText(path);
      const write = isString
        ? (row: number) => rows.text(bytesOf(row))
        : (row: number) => rows.ascii(base64Json(bytesOf(row)));
      return { isAbsent: isNull, write };
    }
    case Type.Struct: {
      const names = fieldsOf(data);
      const children = data.children.map((child, i) => nested(child, names[i]!));
      return { isAbsent: isNull, write: objectWriter(names, children, rows) };
    }
    case Type.List:
    case Type.LargeList:
      return listCell(isNull, rangesOf(data), element(data.children[0]!), rows);
    case Type.FixedSizeList: {
      const { listSize } = data.type as unknown as { listSize: number };
      return listCell(isNull, (row) => [row * listSize, (row + 1) * listSize], element(data.children[0]!), rows);
    }
    case Type.Map:
      return mapCell(data, isNull, rows, element);
    case Type.Dictionary:
      return dictionaryCell(data, isNull, rows, isText, path);
    case Type.Union:
    case Type.DenseUnion:
    case Type.SparseUnion:
      return unionCell(data, element);
    default: {
      const json = jsonReader(data);
      return { isAbsent: (row) => isNull(row) || json(row) === undefined, write: (row) => rows.ascii(json(row)!) };
    }
  }
}

/** The members of an object, absent ones left out. */
export function membersWriter(
  names: readonly string[],
  cells: readonly ArrowCell[],
  rows: RowLines,
): (row: number) => void {
  const members = cells.map((cell, i) => ({ key: `${JSON.stringify(names[i])}:`, cell }));
  return (row) => {
    for (const { key, cell } of members) {
      if (cell.isAbsent(row)) continue;
      rows.member(key);
      cell.write(row);
    }
  };
}

function objectWriter(names: readonly string[], cells: readonly ArrowCell[], rows: RowLines): (row: number) => void {
  const writeMembers = membersWriter(names, cells, rows);
  return (row) => {
    rows.beginObject();
    writeMembers(row);
    rows.endObject();
  };
}

function fieldsOf({ type }: Data): string[] {
  return (type as DataType).children.map(({ name }) => name);
}

function nullsOf({ nullBitmap, length, offset }: Data): (row: number) => boolean {
  const bits = nullBitmap as Uint8Array | undefined;
  if (bits === undefined || bits.length === 0) return () => false;
  if (bits.length * 8 < offset + length) throw new RangeError(`${bits.length} bytes of nulls for ${length} rows`);
  return (row) => (bits[(offset + row) >> 3]! & (1 << ((offset + row) & 7))) === 0;
}

/** Begin and end of each row's share; checked, since nothing else does. */
function rangesOf({ valueOffsets, length }: Data): (row: number) => readonly [number, number] {
  const offsets = valueOffsets as Int32Array | BigInt64Array;
  if (length > 0 && offsets.length < length + 1) throw new RangeError(`${offsets.length} offsets for ${length} rows`);
  return (row) => [Number(offsets[row]!), Number(offsets[row + 1]!)];
}

function bytesReader(data: Data): (row: number) => Uint8Array {
  const values = data.values as Uint8Array;
  if (data.typeId === Type.FixedSizeBinary) {
    const { byteWidth } = data.type as unknown as { byteWidth: number };
    return (row) => within(values, row * byteWidth, (row + 1) * byteWidth);
  }
  if (data.typeId === Type.Utf8View || data.typeId === Type.BinaryView) return viewReader(data);
  const range = rangesOf(data);
  return (row) => within(values, ...range(row));
}

function within(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (!(start >= 0 && start <= end && end <= bytes.length)) {
    throw new RangeError(`bytes ${start} to ${end} of ${bytes.length}`);
  }
  return bytes.subarray(start, end);
}

/** Sixteen bytes a value: its length, then the value when it has up to twelve bytes, else four of it, a buffer, a place. */
function viewReader(data: Data): (row: number) => Uint8Array {
  const views = data.values as Uint8Array;
  const view = new DataView(views.buffer, views.byteOffset, views.length);
  return (row) => {
    const at = row * 16;
    const length = view.getInt32(at, true);
    if (length <= 12) return within(views, at + 4, at + 4 + length);
    const buffer = data.variadicBuffers[view.getInt32(at + 8, true)];
    if (buffer === undefined) throw new RangeError(`no buffer ${view.getInt32(at + 8, true)} of texts`);
    const start = view.getInt32(at + 12, true);
    return within(buffer, start, start + length);
  };
}

function listCell(
  isAbsent: (row: number) => boolean,
  range: (row: number) => readonly [number, number],
  element: ArrowCell,
  rows: RowLines,
): ArrowCell {
  const write = (row: number): void => {
    const [start, end] = range(row);
    rows.ascii("[");
    for (let i = start; i < end; i += 1) {
      if (i > start) rows.ascii(",");
      if (element.isAbsent(i)) rows.ascii("null");
      else element.write(i);
    }
    rows.ascii("]");
  };
  return { isAbsent, write };
}

/** Texts as keys make an object, others a list of entries. */
function mapCell(
  data: Data,
  isAbsent: (row: number) => boolean,
  rows: RowLines,
  cellOf: (child: Data) => ArrowCell,
): ArrowCell {
  const [keys, values] = data.children[0]!.children as [Data, Data];
  const range = rangesOf(data);
  const value = cellOf(values);
  if (![Type.Utf8, Type.LargeUtf8, Type.Utf8View].includes(keys.typeId)) {
    const write = objectWriter(["key", "value"], [cellOf(keys), value], rows);
    return listCell(isAbsent, range, { isAbsent: () => false, write }, rows);
  }
  const keyOf = bytesReader(keys);
  const write = (row: number): void => {
    const [start, end] = range(row);
    rows.beginObject();
    for (let i = start; i < end; i += 1) {
      rows.memberNamed(keyOf(i));
      if (value.isAbsent(i)) rows.ascii("null");
      else value.write(i);
    }
    rows.endObject();
  };
  return { isAbsent, write };
}

/** A dictionary that was added to has several parts. */
function dictionaryCell(
  data: Data,
  isNull: (row: number) => boolean,
  rows: RowLines,
  isText: (path: readonly string[]) => boolean,
  path: readonly string[],
): ArrowCell {
  const indices = data.values as ArrayLike<number | bigint>;
  const parts = (data.dictionary?.data ?? []).map((part) => ({
    length: part.length,
    cell: arrowCell(part, rows, isText, path),
  }));
  const find = (row: number): readonly [ArrowCell, number] => {
    let index = Number(indices[row]);
    for (const { length, cell } of parts) {
      if (index >= 0 && index < length) return [cell, index];
      index -= length;
    }
    throw new RangeError(`no entry ${indices[row]} in the dictionary`);
  };
  const isAbsent = (row: number): boolean => {
    if (isNull(row)) return true;
    const [cell, index] = find(row);
    return cell.isAbsent(index);
  };
  const write = (row: number): void => {
    const [cell, index] = find(row);
    cell.write(index);
  };
  return { isAbsent, write };
}

function unionCell(data: Data, cellOf: (child: Data) => ArrowCell): ArrowCell {
  const { mode, typeIdToChildIndex } = data.type as unknown as {
    mode: UnionMode;
    typeIdToChildIndex: Readonly<Record<number, number>>;
  };
  const children = data.children.map(cellOf);
  const typeIds = data.typeIds as Int8Array;
  const offsets = data.valueOffsets as Int32Array;
  const find = (row: number): readonly [ArrowCell, number] => {
    const cell = children[typeIdToChildIndex[typeIds[row]!] ?? -1];
    if (cell === undefined) throw new RangeError(`no type ${typeIds[row]} in the union`);
    return [cell, mode === UnionMode.Dense ? offsets[row]! : row];
  };
  return {
    isAbsent: (row) => {
      const [cell, index] = find(row);
      return cell.isAbsent(index);
    },
    write: (row) => {
      const [cell, index] = find(row);
      cell.write(index);
    },
  };
}
