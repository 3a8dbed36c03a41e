// The program of a training process that is one rank of several. Started by mpirun or srun, and that by the supervisor.
import { serveRank } from "../train/index.js";
import { runJob } from "./training-job.js";

await serveRank(runJob);
