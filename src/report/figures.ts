// Numbers as people read them.

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function decimal(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const share = (100 * part) / whole;
  return part > 0 && share < 0.1 ? "< 0.1 %" : `${decimal(share, share < 10 ? 1 : 0)} %`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${decimal(seconds, 2)} s`;
  if (seconds < 100) return `${decimal(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${decimal(size, unit === 0 || size >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** As few digits as tell neighbouring ticks apart. */
export function tickLabel(value: number, step: number): string {
  if (value === 0) return "0";
  if (step < 1e-5) return value.toExponential(Math.max(0, Math.floor(Math.log10(Math.abs(value) / step))));
  return decimal(value, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}
