// Reports: one self-contained HTML file a run.
export { type ReportOptions, writeReport } from "./report.js";
