// What workers load of shard: its tasks by registered name.
import type { TaskFunction } from "../records/stage.js";
import { commitShards } from "./commit.js";
import { encodeBlock } from "./encode.js";

export const shardTasks: Readonly<Record<string, TaskFunction>> = {
  "shard/encode": encodeBlock,
  "shard/commit": commitShards,
};
