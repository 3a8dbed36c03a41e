// Whether ranks can be processes here: a build with MPI, and its launcher. Without them tests skip and say so; continuous
// integration has both.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { native } from "#src/native.js";

export const MPIRUN = "mpirun --oversubscribe";
/** Of commands that a test gives mpirun itself, which the supervisor sets for those that it starts. */
export const MPI_ENV = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };

export const hasMpi = native().processesReason() === "" && spawnSync("mpirun", ["--version"]).status === 0;

/** Call it once a file of tests that skip without MPI. */
export function expectMpiInContinuousIntegration(): void {
  test.skipIf(hasMpi)(`ranks as processes are not tested: ${native().processesReason() || "mpirun is missing"}`, () => {
    expect(process.env.CI).toBeUndefined();
  });
}
