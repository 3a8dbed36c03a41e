// native/addon/processes.cc: ranks as processes.

/** One process among those that mpirun or srun started. */
export interface ProcessPlace {
  readonly rank: number;
  readonly numRanks: number;
  /** Among those of this machine. */
  readonly localRank: number;
  readonly numLocalRanks: number;
}

/** See native/include/millrace/processes.h. */
export interface NativeProcesses {
  /** What is missing where this build cannot: "this build has no MPI; ..."; "" where it can. */
  processesReason(): string;
  /** Joins the others, and waits until all have; once in a process. */
  joinProcesses(): Promise<ProcessPlace>;
  /** What process 0 says; the text of the others is not looked at. */
  tellProcesses(text: string): Promise<string>;
  /** The last call. True waits until all others leave too; false, after a failure, leaves them to the launcher. */
  leaveProcesses(finished: boolean): void;
}
