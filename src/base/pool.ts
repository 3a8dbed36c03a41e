// Pools of worker threads: Piscina, through one door.
export { Piscina } from "piscina";
