// Numbers as people read them.

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function decimal(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Units stay with their figures at the end of a line. */
const SPACE = "\u00a0";

/** With as many digits as tell the share from 0 and from all. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return `0${SPACE}%`;
  const share = (100 * part) / whole;
  if (part > 0 && share < 0.1) return `<${SPACE}0.1${SPACE}%`;
  if (part < whole && share > 99.9) return `>${SPACE}99.9${SPACE}%`;
  return `${decimal(share, share < 10 || (part < whole && share >= 99) ? 1 : 0)}${SPACE}%`;
}

/** For a share near 1 whose distance from 1 is the point: 0.99999 is not 100 %. */
export function finePercent(share: number): string {
  let digits = 2;
  while (share < 1 && digits < 8 && Number((100 * share).toFixed(digits)) === 100) digits += 1;
  return `${decimal(100 * share, digits)}${SPACE}%`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${decimal(seconds, 2)}${SPACE}s`;
  if (seconds < 100) return `${decimal(seconds, 1)}${SPACE}s`;
  const whole = Math.round(seconds);
  if (whole < 3600)
    return `${Math.floor(whole / 60)}${SPACE}min${SPACE}${String(whole % 60).padStart(2, "0")}${SPACE}s`;
  return `${Math.floor(whole / 3600)}${SPACE}h${SPACE}${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}${SPACE}min`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${decimal(size, unit === 0 || size >= 100 ? 0 : 1)}${SPACE}${units[unit]}`;
}

/** As few digits as tell neighbouring ticks apart. */
export function tickLabel(value: number, step: number): string {
  if (value === 0) return "0";
  if (step < 1e-5) return value.toExponential(Math.max(0, Math.floor(Math.log10(Math.abs(value) / step))));
  return decimal(value, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}
