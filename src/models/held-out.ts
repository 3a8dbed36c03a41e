// The held-out loss of a model, the same for training and evaluation: native sums over the windows, one mean at the end.
import type { NativeTrainer } from "../native/trainer.js";
import type { HeldOutBatch } from "../records/batch.js";

/** Mean over the counted targets, nats; undefined when there are none. */
export async function heldOutLoss(
  trainer: Pick<NativeTrainer, "evaluate">,
  batches: AsyncIterable<HeldOutBatch>,
  onTokens: (numTokens: number) => void = () => undefined,
): Promise<number | undefined> {
  let lossSum = 0;
  let numTokens = 0;
  for await (const { tokens, numSequences } of batches) {
    const part = await trainer.evaluate(tokens, numSequences);
    lossSum += part.lossSum;
    numTokens += part.numTokens;
    onTokens(numTokens);
  }
  return numTokens === 0 ? undefined : lossSum / numTokens;
}
