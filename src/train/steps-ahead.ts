// The order in which steps are submitted and collected, so that a device always has a step to work on while the host reads
// the results of the last, writes metrics and waits for batches. Knows nothing of what a step is.

export interface StepsAhead<Submitted, Result> {
  /** Steps already taken: the next one is first. */
  readonly taken: number;
  readonly last: number;
  /** How many steps may be submitted behind the one that is waited for; 0: each is collected before the next. */
  readonly ahead: number;
  /** What follows this step needs the state that it leaves, so nothing may be submitted behind it before that is done. */
  isBoundary(step: number): boolean;
  /** No further step is wanted; those submitted are collected all the same. */
  isStopped(): boolean;
  /** `behind`: another step is outstanding. */
  submit(step: number, behind: boolean): Promise<Submitted>;
  collect(step: number, submitted: Submitted): Promise<Result>;
}

export interface TakenStep<Result> {
  readonly step: number;
  readonly result: Result;
  /** Nothing was left to do when it was collected. */
  readonly isFinal: boolean;
}

/** The results of all steps, in order. After a boundary nothing is outstanding while the caller looks at its result. */
export async function* takeSteps<Submitted, Result>(
  run: StepsAhead<Submitted, Result>,
): AsyncGenerator<TakenStep<Result>, void, void> {
  const outstanding: Submitted[] = [];
  let step = run.taken;
  const newest = () => step + outstanding.length;
  const wantsMore = () => newest() < run.last && !run.isStopped();
  const isBlocked = () => outstanding.length > run.ahead || (outstanding.length > 0 && run.isBoundary(newest()));
  while (outstanding.length > 0 || wantsMore()) {
    while (wantsMore() && !isBlocked()) {
      outstanding.push(await run.submit(newest() + 1, outstanding.length > 0));
    }
    const submitted = outstanding.shift();
    step += 1;
    const result = await run.collect(step, submitted as Submitted);
    yield { step, result, isFinal: outstanding.length === 0 && !wantsMore() };
  }
}
