// Which source the p-th sample of a cycle comes from, for integer weights w_0 .. w_(n-1) with sum S <= 65,536: a cycle has S
// positions, source i takes w_i of them, and before every position each source's share differs from i's ideal w_i * p / S by
// less than one sample. Pure: the same weights give the same cycle on every machine.
//
// Such a cycle exists for any weights with a difference of at most B = 1 - 1/(2n - 2) (Tijdeman, "The chairman assignment
// problem", 1980). The bound gives copy j = 1 .. w_i of source i a first and a last position,
//   first = ceil((j - B) * S / w_i)        last = floor((j - 1 + B) * S / w_i) + 1        (positions from 1)
// and unit jobs with release times and deadlines are met, if they can be, by taking the earliest deadline first.
import { invalid, invariant } from "../base/errors.js";

const MAX_WEIGHT_SUM = 65_536;

export class Interleave {
  /** S after division by the weights' common divisor. */
  readonly cycle: number;
  /** Of each source. */
  readonly weights: readonly number[];
  readonly #source: Uint16Array;
  /** At position p: how often its source came before p. */
  readonly #before: Uint16Array;

  constructor(weights: readonly number[]) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const whole = weights.every((weight) => Number.isInteger(weight) && weight >= 1);
    if (weights.length === 0 || !whole || sum > MAX_WEIGHT_SUM) {
      const expected = `whole numbers from 1 with a sum of at most ${MAX_WEIGHT_SUM}`;
      throw invalid("config-weights", `expected ${expected} for the weights, got [${weights.join(", ")}]`);
    }
    const divisor = weights.reduce(commonDivisor);
    this.weights = weights.map((weight) => weight / divisor);
    this.cycle = sum / divisor;
    this.#source = new Uint16Array(this.cycle);
    this.#before = new Uint16Array(this.cycle);
    this.#fill();
  }

  /** The source of a global sample, and how many of that source's samples came before it. */
  at(sample: number): { source: number; drawn: number } {
    const position = sample % this.cycle;
    const source = this.#source[position]!;
    const drawn = ((sample - position) / this.cycle) * this.weights[source]! + this.#before[position]!;
    return { source, drawn };
  }

  #fill(): void {
    const { cycle, weights } = this;
    const n = weights.length;
    if (n === 1) return;
    // All products stay under 2^50: exact in a double.
    const scale = 2 * n - 2;
    const bound = scale - 1;
    const first = (i: number, j: number): number => -floorDivide(-(j * scale - bound) * cycle, weights[i]! * scale);
    const last = (i: number, j: number): number =>
      floorDivide(((j - 1) * scale + bound) * cycle, weights[i]! * scale) + 1;
    const drawn = new Array<number>(n).fill(0);
    const release = weights.map((_, i) => first(i, 1));
    const deadline = weights.map((_, i) => last(i, 1));
    for (let position = 1; position <= cycle; position++) {
      let chosen = -1;
      for (let i = 0; i < n; i++) {
        if (release[i]! > position) continue;
        if (chosen === -1 || deadline[i]! < deadline[chosen]!) chosen = i;
      }
      invariant(chosen !== -1 && deadline[chosen]! >= position, `no source meets its share at position ${position}`);
      this.#source[position - 1] = chosen;
      this.#before[position - 1] = drawn[chosen]!;
      drawn[chosen]! += 1;
      const next = drawn[chosen]! + 1;
      release[chosen] = next > weights[chosen]! ? Number.POSITIVE_INFINITY : first(chosen, next);
      deadline[chosen] = last(chosen, next);
    }
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function floorDivide(a: number, b: number): number {
  const remainder = ((a % b) + b) % b;
  return (a - remainder) / b;
}
