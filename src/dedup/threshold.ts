// The threshold as a ratio of integers, so that "above 0.7" is decided as 10 * |A and B| > 7 * |A or B|, without rounding.

export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}

/** Denominators stay small enough that a product with any set size is exact in a double. */
const MAX_DECIMALS = 4;

/** The decimal number as typed ("0.7" is 7/10), in lowest terms; undefined when it has too many decimals or is not in [0, 1). */
export function ratioOf(value: number): Ratio | undefined {
  if (!(value >= 0 && value < 1)) return undefined;
  for (let decimals = 0, denominator = 1; decimals <= MAX_DECIMALS; decimals += 1, denominator *= 10) {
    const numerator = Math.round(value * denominator);
    if (numerator / denominator === value) {
      const divisor = greatestCommonDivisor(numerator, denominator);
      return { numerator: numerator / divisor, denominator: denominator / divisor };
    }
  }
  return undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export function isAbove(intersection: number, union: number, threshold: Ratio): boolean {
  return intersection * threshold.denominator > union * threshold.numerator;
}

/** Whether intersectionA / unionA > intersectionB / unionB, exactly. */
export function isGreater(intersectionA: number, unionA: number, intersectionB: number, unionB: number): boolean {
  const left = intersectionA * unionB;
  const right = intersectionB * unionA;
  if (left < Number.MAX_SAFE_INTEGER && right < Number.MAX_SAFE_INTEGER) return left > right;
  return BigInt(intersectionA) * BigInt(unionB) > BigInt(intersectionB) * BigInt(unionA);
}
