// What a store or the way to it answered, in our words. The driver's own message is not passed on: it may hold a signed
// address.
import { invalid, MillraceError } from "../errors.js";
import { serviceOf } from "./services.js";
import { formatUri, type RemoteUri } from "./uri.js";

/** A fault that may be gone at the next attempt. */
export class TransientFault extends Error {}

/** "NotFound (permanent) at stat, context: {...} => S3Error { code: "NoSuchKey", ... }" */
const DRIVER_MESSAGE = /^(\w+) \((\w+)\)/;

/** What the driver calls permanent, and another attempt may mend. */
const MAY_PASS = /too little data|\bstatus: (?:408|429|5\d\d)/;

function storeCode(message: string): string | undefined {
  return /\b(?:code|Code): "(\w+)"/.exec(message)?.[1] ?? /\bstatus: (\d{3})/.exec(message)?.[1];
}

function inShort(message: string): string {
  const code = storeCode(message);
  if (code !== undefined) return code;
  if (message.includes("timeout reached")) return "silence beyond the time limit";
  if (message.includes("too little data")) return "fewer bytes than were asked for";
  if (message.includes("too much data")) return "more bytes than were asked for: it does not serve ranges";
  if (message.includes("error decoding response body")) return "a broken connection";
  if (message.includes("error sending request")) return "no connection";
  return DRIVER_MESSAGE.exec(message)?.[1] ?? "an error";
}

/** Whether the driver says that there is no such object. */
export function isNotFound(error: unknown): boolean {
  return DRIVER_MESSAGE.exec((error as Error).message)?.[1] === "NotFound";
}

/** A TransientFault where another attempt may help, else an error for people. */
export function translate(error: unknown, uri: RemoteUri): Error {
  if (error instanceof MillraceError) return error;
  const message = (error as Error).message ?? String(error);
  const [, kind, persistence] = DRIVER_MESSAGE.exec(message) ?? [];
  const file = formatUri(uri);
  const where = { file };
  const { access } = serviceOf(uri);
  const code = storeCode(message);
  if (message.includes("LoadCredential") || message.includes("loading credential")) {
    return invalid("store-denied", `expected credentials for ${file}, found none`, { where, hint: access });
  }
  if (code === "NoSuchBucket" || code === "ContainerNotFound") {
    return invalid("config-input", `expected the bucket ${uri.scheme}://${uri.store}, found none of that name`, {
      where,
    });
  }
  if (kind === "NotFound") {
    const hint = `check the name, and that ${uri.store} is the right bucket, in the right region and at the right endpoint`;
    return invalid("config-input", `expected an object at ${file}, found none`, { where, hint });
  }
  if (kind === "PermissionDenied" || code === "AccessDenied" || code === "401") {
    return invalid("store-denied", `expected to be allowed to read ${file}, got ${code ?? "no permission"}`, {
      where,
      hint: access,
    });
  }
  if (kind === "ConditionNotMatch") return changed(file);
  if (kind === "Unsupported" || kind === "ConfigInvalid") {
    return invalid("store-refused", `expected settings under which ${file} can be read, got ${code ?? kind}`, {
      where,
      hint: access,
    });
  }
  const mayPass = persistence === "temporary" || kind === "RateLimited" || MAY_PASS.test(message);
  if (mayPass) return new TransientFault(inShort(message));
  return invalid("store-failed", `expected the bytes of ${file}, got ${inShort(message)}`, { where, hint: access });
}

/** The object is not the one that the run began with. */
export function changed(file: string): MillraceError {
  return invalid("input-changed", `expected ${file} as it was when the run began, found another object there or none`, {
    where: { file },
    hint: "run again when it is complete: what was read before is read again",
  });
}
