// The stores that a scheme names, and where their settings come from: the environment, in the names that the stores' own
// tools use. What is not said here the driver finds itself: profiles, roles of machines, service accounts.
import { invalid } from "../errors.js";
import { formatUri, type RemoteUri } from "./uri.js";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Service {
  /** The driver's name for it. */
  readonly name: string;
  /** Whether a read may ask for the version that was found first (If-Match); elsewhere every opening asks again. */
  readonly conditional: boolean;
  readonly lists: boolean;
  /** Whether a list can begin behind a key. */
  readonly listsAfter: boolean;
  /** What the driver calls the object of a key: it escapes for the way what is written here as it is. */
  path(uri: RemoteUri): string;
  /** The driver's options for one store. */
  options(uri: RemoteUri, environment: Environment): Record<string, string | undefined>;
  /** What to set when access is denied. */
  readonly access: string;
}

function isTrue(value: string | undefined): "true" | undefined {
  return value !== undefined && /^(1|true|yes)$/i.test(value) ? "true" : undefined;
}

function asItStands({ key }: RemoteUri): string {
  return key;
}

function unescaped(uri: RemoteUri): string {
  try {
    return decodeURIComponent(uri.key);
  } catch {
    throw invalid("config-input", `expected %XX behind every % of the address, got ${formatUri(uri)}`);
  }
}

/** Nothing is signed, so nothing is looked for either. */
function unsigned(value: string | undefined): Record<string, string | undefined> {
  const anonymous = isTrue(value);
  return { allow_anonymous: anonymous, disable_config_load: anonymous, disable_ec2_metadata: anonymous };
}

const s3: Service = {
  name: "s3",
  conditional: true,
  lists: true,
  listsAfter: true,
  path: asItStands,
  options: ({ store }, environment) => {
    const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
    const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
    return {
      bucket: store,
      endpoint,
      // Where there is an endpoint the region only goes into signatures.
      region: region ?? (endpoint === undefined && environment.AWS_PROFILE !== undefined ? undefined : "us-east-1"),
      ...unsigned(environment.AWS_SKIP_SIGNATURE),
      ...(isTrue(environment.AWS_EC2_METADATA_DISABLED) ? { disable_ec2_metadata: "true" } : {}),
    };
  },
  access:
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, AWS_REGION, for stores other than Amazon's " +
    "AWS_ENDPOINT_URL; for public buckets AWS_SKIP_SIGNATURE=true",
};

const gs: Service = {
  name: "gcs",
  conditional: false,
  lists: true,
  listsAfter: true,
  path: asItStands,
  options: ({ store }, environment) => {
    const anonymous = isTrue(environment.GOOGLE_SKIP_SIGNATURE);
    return {
      bucket: store,
      endpoint: environment.STORAGE_EMULATOR_HOST,
      allow_anonymous: anonymous,
      disable_config_load: anonymous,
      disable_vm_metadata: anonymous,
    };
  },
  access:
    "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account; for public buckets GOOGLE_SKIP_SIGNATURE=true",
};

const az: Service = {
  name: "azblob",
  conditional: true,
  lists: true,
  listsAfter: false,
  path: asItStands,
  options: ({ store }, environment) => {
    const account = environment.AZURE_STORAGE_ACCOUNT_NAME;
    const host = account === undefined ? undefined : `https://${account}.blob.core.windows.net`;
    return {
      container: store,
      endpoint: environment.AZURE_STORAGE_ENDPOINT ?? host,
      account_name: account,
      account_key: environment.AZURE_STORAGE_ACCOUNT_KEY,
      sas_token: environment.AZURE_STORAGE_SAS_TOKEN?.replace(/^\?/, ""),
    };
  },
  access:
    "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, for emulators AZURE_STORAGE_ENDPOINT",
};

const web: Service = {
  name: "http",
  conditional: true,
  lists: false,
  listsAfter: false,
  path: unescaped,
  options: ({ scheme, store }) => ({ endpoint: `${scheme}://${store}` }),
  access: "only addresses that anybody may read are read",
};

const SERVICES: Readonly<Record<string, Service>> = { s3, gs, az, http: web, https: web };

export function serviceOf({ scheme }: RemoteUri): Service {
  const service = SERVICES[scheme];
  if (service !== undefined) return service;
  const known = Object.keys(SERVICES).map((name) => `${name}://`);
  throw invalid("config-input", `expected a path or one of ${known.join(", ")} for the input, got ${scheme}://`);
}
