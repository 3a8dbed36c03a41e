// The JSON forms of the values of Arrow's types that are neither bytes nor nested, by how their buffers hold them.
import { type Data, IntervalUnit, Precision, Type } from "../../formats/arrow.js";
import { dateJson, decimalJson, floatJson, halfFloat, timeJson, timestampJson, type Unit } from "./json-values.js";

/** A type that is not read; the caller knows the column. */
export class UnreadType extends Error {}

/** By TimeUnit: seconds, milli-, micro-, nanoseconds. */
const UNITS: readonly Unit[] = [0, 3, 6, 9];
const DAY_MILLISECONDS = 86_400_000;

/** The JSON form of each value of a column that has no columns below it; undefined: none. */
export function jsonReader(data: Data): (row: number) => string | undefined {
  const values = data.values as ArrayLike<number | bigint>;
  const type = data.type as unknown as {
    unit: number;
    scale: number;
    bitWidth: number;
    timezone?: string | null;
    precision: number;
  };
  switch (data.typeId) {
    case Type.Null:
      return () => undefined;
    case Type.Bool: {
      const bits = data.values as Uint8Array;
      return (row) => String((bits[(data.offset + row) >> 3]! & (1 << ((data.offset + row) & 7))) !== 0);
    }
    case Type.Int:
      return (row) => String(values[row]);
    case Type.Float:
      return type.precision === Precision.HALF
        ? (row) => floatJson(halfFloat(values[row] as number))
        : (row) => floatJson(values[row] as number);
    case Type.Decimal: {
      const words = data.values as Uint32Array;
      const { bitWidth, scale } = type;
      return (row) => decimalJson(littleEndianInt(words, row, bitWidth / 32), scale);
    }
    case Type.Date:
      return type.unit === 0
        ? (row) => dateJson(values[row] as number)
        : (row) => dateJson(Math.floor(Number(values[row]) / DAY_MILLISECONDS));
    case Type.Time:
      return (row) => timeJson(BigInt(values[row]!), UNITS[type.unit]!);
    case Type.Timestamp:
      return (row) => timestampJson(BigInt(values[row]!), UNITS[type.unit]!, Boolean(type.timezone));
    case Type.Duration:
      return (row) => String(values[row]);
    case Type.Interval:
      return intervalReader(data.values as Int32Array, type.unit);
    default:
      throw new UnreadType(String(data.type));
  }
}

/** Two's complement in words of 32 bits, the least significant first. */
function littleEndianInt(words: Uint32Array, row: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i -= 1) value = (value << 32n) | BigInt(words[row * count + i]!);
  return BigInt.asIntN(count * 32, value);
}

function intervalReader(words: Int32Array, unit: number): (row: number) => string {
  if (unit === IntervalUnit.YEAR_MONTH) return (row) => `{"months":${words[row]}}`;
  if (unit === IntervalUnit.DAY_TIME) return (row) => `{"days":${words[row * 2]},"milliseconds":${words[row * 2 + 1]}}`;
  return (row) => {
    const nanoseconds = (BigInt(words[row * 4 + 3]!) << 32n) | BigInt(words[row * 4 + 2]! >>> 0);
    return `{"months":${words[row * 4]},"days":${words[row * 4 + 1]},"nanoseconds":${nanoseconds}}`;
  };
}
