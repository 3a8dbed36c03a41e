// The command line library, through one door.
export { Command, CommanderError, InvalidArgumentError, Option } from "commander";
