// The program of a training or evaluating process. Started by the supervisor, never by hand.
import { serveChild } from "../base/child.js";
import { runJob } from "./training-job.js";

serveChild(runJob);
