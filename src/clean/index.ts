// The clean stage.
export type { CleanConfig } from "./config.js";
export { cleanStage, cleanTasks } from "./stage.js";
