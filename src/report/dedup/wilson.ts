// Wilson's score interval of a share (E. B. Wilson, 1927), which holds for few trials and for shares near 0 and 1.

/** 97.5 % quantile of the normal distribution: 2.5 % on either side. */
const Z = 1.959964;

export function wilsonInterval(found: number, trials: number): { low: number; high: number } {
  const share = found / trials;
  const weight = 1 + Z ** 2 / trials;
  const center = (share + Z ** 2 / (2 * trials)) / weight;
  const half = (Z / weight) * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  return { low: found === 0 ? 0 : center - half, high: found === trials ? 1 : center + half };
}
