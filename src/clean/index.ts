// The clean stage.
export type { CleanConfig } from "./config.js";
export { cleanStage } from "./stage.js";
