// What a run tells whoever watches it. The conductor prints nothing: the command line draws these, tests collect them.

export interface PhaseProgress {
  readonly stage: string;
  readonly phase: string;
  readonly done: number;
  /** Absent while it cannot be known. */
  readonly total?: number | undefined;
  /** "bytes", "tasks", "steps"... */
  readonly unit: string;
  /** How much of `done` earlier runs had done: no part of this run's rate. */
  readonly resumed: number;
  readonly message?: string | undefined;
}

export type RunEvent =
  | { readonly type: "run-started"; readonly name: string; readonly out: string; readonly stages: readonly string[] }
  | {
      readonly type: "stage-started";
      readonly stage: string;
      readonly inputs: number;
      readonly sizeBytes: number;
      readonly resumedTasks: number;
    }
  /** The result at hand is of no use, for `reason`; what happens to it follows. */
  | { readonly type: "stage-stale"; readonly stage: string; readonly reason: string; readonly action: string }
  | { readonly type: "stage-up-to-date"; readonly stage: string }
  /** Something of the input that the user may not expect. */
  | { readonly type: "note"; readonly stage: string; readonly text: string }
  | { readonly type: "progress"; readonly progress: PhaseProgress }
  | {
      readonly type: "stage-finished";
      readonly stage: string;
      readonly seconds: number;
      readonly counts: Readonly<Record<string, number>>;
    };

export type RunListener = (event: RunEvent) => void;
