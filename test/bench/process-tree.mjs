// The memory of a command and of all processes below it, from /proc: what a user who has so much of it must know.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 100;
const KIB = 1024;

/** Resident bytes now, and the most so far, of one process; undefined when it has ended. */
function residentOf(pid) {
  let status;
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
  const kibibytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { now: kibibytes("VmRSS") * KIB, most: kibibytes("VmHWM") * KIB };
}

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function treeOf(pid) {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/**
 * Runs a command to its end. `peakBytes`: for a single process exactly the most it had (the kernel counts), for several the
 * largest sum seen at a sample and at least the largest of one. `curve`: [seconds, resident bytes] at every sample.
 */
export function measureTree(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    let peakBytes = 0;
    const curve = [];
    const sample = () => {
      const found = treeOf(child.pid).map(residentOf).filter(Boolean);
      const now = found.reduce((sum, process) => sum + process.now, 0);
      peakBytes = Math.max(peakBytes, now, ...found.map(({ most }) => most));
      curve.push([(performance.now() - began) / 1000, now]);
    };
    const timer = setInterval(sample, SAMPLE_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      resolve({ code, output, peakBytes, seconds: (performance.now() - began) / 1000, curve });
    });
  });
}
