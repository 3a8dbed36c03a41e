// The JSON form of a Parquet leaf's values, by its logical type, else its converted one, else how it is stored.
import {
  base64Json,
  bigEndianInt,
  dateJson,
  decimalJson,
  floatJson,
  halfFloat,
  timeJson,
  timestampJson,
  type Unit,
  uuidJson,
} from "./json-values.js";
import type { SchemaElement } from "./parquet-library.js";

export type LeafForm =
  /** UTF-8 as it stands. */
  | { readonly kind: "text" }
  /** JSON of ASCII letters; undefined: no value. */
  | { readonly kind: "json"; of(value: unknown): string | undefined };

const UNITS: Readonly<Record<string, Unit>> = { MILLIS: 3, MICROS: 6, NANOS: 9 };

/** The Julian day of 1970-01-01. */
const JULIAN_EPOCH = 2_440_588n;
const DAY_NANOSECONDS = 86_400_000_000_000n;

const json = (of: (value: never) => string | undefined): LeafForm => ({
  kind: "json",
  of: of as (value: unknown) => string | undefined,
});

/** `isText`: a field of the documents is read from it, so that bytes of no declared kind are its text. */
export function leafForm(element: SchemaElement, isText: boolean): LeafForm {
  const { type, converted_type: converted, logical_type: logical } = element;
  switch (type) {
    case "BOOLEAN":
      return json((value: boolean) => String(value));
    case "INT32":
    case "INT64":
      return integerForm(element);
    case "INT96":
      return json((value: bigint) => timestampJson(int96Nanoseconds(value), 9, false));
    case "FLOAT":
    case "DOUBLE":
      return json(floatJson);
    default:
      if (converted === "DECIMAL" || logical?.type === "DECIMAL") {
        return json((bytes: Uint8Array) => decimalJson(bigEndianInt(bytes), scaleOf(element)));
      }
      return type === "BYTE_ARRAY" ? bytesForm(element, isText) : fixedForm(element, isText);
  }
}

function scaleOf({ logical_type: logical, scale }: SchemaElement): number {
  return logical?.type === "DECIMAL" ? logical.scale : (scale ?? 0);
}

function integerForm(element: SchemaElement): LeafForm {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === "DECIMAL" || converted === "DECIMAL") {
    return json((value: number | bigint) => decimalJson(BigInt(value), scaleOf(element)));
  }
  if (logical?.type === "DATE" || converted === "DATE") return json(dateJson);
  if (logical?.type === "TIME" || converted === "TIME_MILLIS" || converted === "TIME_MICROS") {
    const unit = logical?.type === "TIME" ? UNITS[logical.unit]! : converted === "TIME_MILLIS" ? 3 : 6;
    return json((value: number | bigint) => timeJson(BigInt(value), unit));
  }
  if (logical?.type === "TIMESTAMP") {
    const unit = UNITS[logical.unit]!;
    return json((value: bigint) => timestampJson(value, unit, logical.isAdjustedToUTC));
  }
  if (converted === "TIMESTAMP_MILLIS" || converted === "TIMESTAMP_MICROS") {
    const unit = converted === "TIMESTAMP_MILLIS" ? 3 : 6;
    return json((value: bigint) => timestampJson(value, unit, true));
  }
  const isUnsigned = converted?.startsWith("UINT_") === true || (logical?.type === "INTEGER" && !logical.isSigned);
  if (!isUnsigned) return json((value: number | bigint) => String(value));
  return type === "INT32"
    ? json((value: number) => String(value >>> 0))
    : json((value: bigint) => String(BigInt.asUintN(64, value)));
}

function bytesForm({ converted_type: converted, logical_type: logical }: SchemaElement, isText: boolean): LeafForm {
  const isString = ["STRING", "ENUM", "JSON"].includes(logical?.type ?? "");
  if (isString || converted === "UTF8" || converted === "ENUM" || converted === "JSON") return { kind: "text" };
  return isText && logical === undefined && converted === undefined ? { kind: "text" } : json(base64Json);
}

function fixedForm({ converted_type: converted, logical_type: logical }: SchemaElement, isText: boolean): LeafForm {
  if (logical?.type === "UUID") return json(uuidJson);
  if (logical?.type === "FLOAT16")
    return json((bytes: Uint8Array) => floatJson(halfFloat(bytes[0]! | (bytes[1]! << 8))));
  if (converted === "INTERVAL") return json(intervalJson);
  return isText && logical === undefined && converted === undefined ? { kind: "text" } : json(base64Json);
}

/** Three little-endian numbers. */
function intervalJson(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [months, days, milliseconds] = [0, 4, 8].map((at) => view.getUint32(at, true));
  return JSON.stringify({ months, days, milliseconds });
}

/** The day in the upper 32 bits, nanoseconds of the day in the lower 64. */
function int96Nanoseconds(value: bigint): bigint {
  return ((value >> 64n) - JULIAN_EPOCH) * DAY_NANOSECONDS + (value & 0xffff_ffff_ffff_ffffn);
}
