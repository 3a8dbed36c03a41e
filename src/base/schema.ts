// The language of configuration: zod, through one door.
export { z } from "zod";
