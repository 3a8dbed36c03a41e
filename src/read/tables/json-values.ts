// The JSON forms of what tables hold (docs/formats/corpus.md): numbers with all their digits, moments as ISO 8601, bytes as
// base64. Undefined: the value has no JSON form and counts as none.

/** Digits of a second's fraction. */
export type Unit = 0 | 3 | 6 | 9;

const DAY_SECONDS = 86_400n;

export function floatJson(value: number): string | undefined {
  return Number.isFinite(value) ? JSON.stringify(value) : undefined;
}

/** `unscaled` * 10^-scale, with all digits; a negative scale appends zeros. */
export function decimalJson(unscaled: bigint, scale: number): string {
  if (scale <= 0) return unscaled === 0n ? "0" : `${unscaled}${"0".repeat(-scale)}`;
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Two's complement, the most significant byte first. */
export function bigEndianInt(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex(bytes)}`));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

export function base64Json(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}"`;
}

export function uuidJson(bytes: Uint8Array): string {
  return `"${hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}"`;
}

/** Days since 1970-01-01, of the calendar that goes on in both directions. */
export function dateJson(days: number): string {
  return `"${isoDate(days)}"`;
}

/** Howard Hinnant, "chrono-compatible low-level date algorithms": civil_from_days. */
function isoDate(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${isoYear(year)}-${two(month)}-${two(day)}`;
}

/** Years of other than four digits have a sign and six of them, as ISO 8601 agrees upon. */
function isoYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Units of 10^-unit seconds since midnight. */
export function timeJson(value: bigint, unit: Unit): string {
  return `"${isoTime(value, unit)}"`;
}

function isoTime(value: bigint, unit: Unit): string {
  const perSecond = 10n ** BigInt(unit);
  const seconds = Number(value / perSecond);
  const fraction = unit === 0 ? "" : `.${String(value % perSecond).padStart(unit, "0")}`;
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction}`;
}

/** Units of 10^-unit seconds since 1970-01-01T00:00:00. `isUtc`: a moment, else what a clock on some wall showed. */
export function timestampJson(value: bigint, unit: Unit, isUtc: boolean): string {
  const perDay = DAY_SECONDS * 10n ** BigInt(unit);
  const rest = ((value % perDay) + perDay) % perDay;
  const days = Number((value - rest) / perDay);
  return `"${isoDate(days)}T${isoTime(rest, unit)}${isUtc ? "Z" : ""}"`;
}

/** IEEE 754 binary16. */
export function halfFloat(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
