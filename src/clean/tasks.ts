// What workers load of clean: its tasks by registered name.
import type { TaskFunction } from "../records/stage.js";
import { cleanBlock } from "./block-task.js";
import { findDuplicates } from "./duplicates-task.js";
import { publishPart } from "./publish-task.js";
import { writeRejects } from "./rejects-task.js";

export const cleanTasks: Readonly<Record<string, TaskFunction>> = {
  "clean/block": cleanBlock,
  "clean/duplicates": findDuplicates,
  "clean/rejects": writeRejects,
  "clean/publish": publishPart,
};
