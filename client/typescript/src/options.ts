// How a client reaches a router: what may be set, its bounds and defaults.
import { readFileSync } from "node:fs";
import { invalid, PointsmanError } from "./errors.js";
import { checkDeadline, maxInt32 } from "./requests.js";

/** Where a router listens unless told otherwise. */
export const defaultTarget = "127.0.0.1:7431";

/** PEM texts; all of them optional, so `{}` is TLS that trusts the roots of Node.js. */
export interface TlsOptions {
  /** Whom to trust. Absent: the roots of Node.js, to which NODE_EXTRA_CA_CERTS adds. */
  rootCertificates?: string | Uint8Array | undefined;
  /** With `privateKey`: the client's own identity (mutual TLS). */
  certificateChain?: string | Uint8Array | undefined;
  privateKey?: string | Uint8Array | undefined;
  /** Name that the server's certificate must carry. Absent: the target's host. */
  serverName?: string | undefined;
}

/** PEM files; an absent path leaves the part out. */
export interface TlsFiles {
  rootCertificates?: string | undefined;
  certificateChain?: string | undefined;
  privateKey?: string | undefined;
}

/**
 * Only UNAVAILABLE is retried: it says that the request was not worked on, or that another replica
 * should be asked. An overloaded router (RESOURCE_EXHAUSTED) is left alone.
 */
export interface RetryOptions {
  /** 1 to 5, the first one included; 1: no retry. Default: 4. */
  maxAttempts?: number | undefined;
  /** Milliseconds before the second attempt, > 0; gRPC varies every wait by 20 %. Default: 50. */
  initialBackoffMs?: number | undefined;
  /** Milliseconds at most, >= `initialBackoffMs`. Default: 1000. */
  maxBackoffMs?: number | undefined;
  /** Growth from one wait to the next, > 0. Default: 2. */
  backoffMultiplier?: number | undefined;
}

/** Everything has a default that suits a sidecar on the same host; read once, by `createClient`. */
export interface ClientOptions {
  /** A gRPC target: host:port, dns:///name:port, unix:/path. Default: 127.0.0.1:7431. */
  target?: string | undefined;
  /** Absent: plaintext. */
  tls?: TlsOptions | undefined;
  /** Printable ASCII, sent as `authorization: Bearer KEY`. Absent or empty: none is sent. */
  apiKey?: string | undefined;
  /**
   * A key over plaintext can be read on the way, so it is refused beyond this host unless a proxy is
   * known to encrypt. Default: false.
   */
  allowApiKeyWithoutTls?: boolean | undefined;
  /** Milliseconds for a call that names none, > 0, retries included. Default: 2000. */
  deadlineMs?: number | undefined;
  retry?: RetryOptions | undefined;
  /** Spread calls over all addresses of the target, not only the first. Default: true. */
  roundRobin?: boolean | undefined;
  /**
   * Milliseconds between pings that find dead connections, > 0. gRPC servers cut off clients that
   * ping more often than every five minutes, unless configured otherwise. Default: 330,000.
   */
  keepaliveIntervalMs?: number | undefined;
  /** Milliseconds to wait for the answer to a ping, > 0. Default: 20,000. */
  keepaliveTimeoutMs?: number | undefined;
  /**
   * Bytes of the largest response, > 0: a batch that explains carries many exemplar texts.
   * Default: 64 MiB.
   */
  maxResponseBytes?: number | undefined;
}

type Complete<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> };

/** Valid options with the defaults filled in. */
export interface ResolvedOptions extends Omit<Complete<ClientOptions>, "tls" | "retry"> {
  tls: TlsOptions | undefined;
  retry: Complete<RetryOptions>;
}

/** Reads PEM files for `tls`. Throws NOT_FOUND naming the file that cannot be read. */
export function readTlsFiles(files: TlsFiles): TlsOptions {
  return {
    rootCertificates: readPem(files.rootCertificates),
    certificateChain: readPem(files.certificateChain),
    privateKey: readPem(files.privateKey),
  };
}

function readPem(path: string | undefined): Uint8Array | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new PointsmanError("NOT_FOUND", `cannot read ${path} as a PEM file`, { cause });
  }
}

/** Throws INVALID_ARGUMENT saying which option is out of which bound. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    target: options.target ?? defaultTarget,
    tls: options.tls,
    apiKey: options.apiKey ?? "",
    allowApiKeyWithoutTls: options.allowApiKeyWithoutTls ?? false,
    deadlineMs: options.deadlineMs ?? 2000,
    retry: {
      maxAttempts: options.retry?.maxAttempts ?? 4,
      initialBackoffMs: options.retry?.initialBackoffMs ?? 50,
      maxBackoffMs: options.retry?.maxBackoffMs ?? 1000,
      backoffMultiplier: options.retry?.backoffMultiplier ?? 2,
    },
    roundRobin: options.roundRobin ?? true,
    keepaliveIntervalMs: options.keepaliveIntervalMs ?? 330_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 20_000,
    maxResponseBytes: options.maxResponseBytes ?? 64 * 1024 * 1024,
  };
  validate(resolved);
  return resolved;
}

const maxRetryAttempts = 5; // gRPC silently cuts larger values to this

function validate(options: ResolvedOptions): void {
  if (options.target === "") throw invalid("the target must name a host and port; it is empty");
  checkDeadline(options.deadlineMs);
  const { maxAttempts, initialBackoffMs, maxBackoffMs, backoffMultiplier } = options.retry;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > maxRetryAttempts) {
    throw invalid(`retry.maxAttempts must be 1 to ${maxRetryAttempts}; it is ${maxAttempts}`);
  }
  if (
    !(initialBackoffMs > 0 && initialBackoffMs <= maxBackoffMs && maxBackoffMs <= maxInt32) ||
    !(backoffMultiplier > 0 && Number.isFinite(backoffMultiplier))
  ) {
    throw invalid("retry needs 0 < initialBackoffMs <= maxBackoffMs and a multiplier > 0");
  }
  for (const name of ["keepaliveIntervalMs", "keepaliveTimeoutMs", "maxResponseBytes"] as const) {
    const value = options[name];
    if (!Number.isInteger(value) || value < 1 || value > maxInt32) {
      throw invalid(`${name} must be a whole number from 1 to ${maxInt32}; it is ${value}`);
    }
  }
  if (isGiven(options.tls?.certificateChain) !== isGiven(options.tls?.privateKey)) {
    throw invalid("a client certificate and its private key must be given together; one is empty");
  }
  // Checked here because gRPC would quote the whole key in its complaint.
  const unprintable = options.apiKey.search(/[^!-~]/);
  if (unprintable >= 0) {
    throw invalid(
      `the API key must be printable ASCII without blanks; character ${unprintable + 1} of ` +
        `${options.apiKey.length} is not (a newline read from a file?)`,
    );
  }
  if (
    options.apiKey !== "" &&
    options.tls === undefined &&
    !options.allowApiKeyWithoutTls &&
    !isThisHost(options.target)
  ) {
    throw invalid(
      `an API key would be sent to ${options.target} in plaintext; use TLS, or ` +
        "allowApiKeyWithoutTls where a proxy encrypts",
    );
  }
}

function isGiven(pem: string | Uint8Array | undefined): boolean {
  return pem !== undefined && pem.length > 0;
}

/** Whether a target names this host and nothing else. */
export function isThisHost(target: string): boolean {
  return (
    target.startsWith("unix:") ||
    /^(?:ipv4:)?127(?:\.\d{1,3}){3}(?::\d+)?$/.test(target) ||
    /^(?:ipv6:)?\[::1\](?::\d+)?$/.test(target) ||
    /^(?:dns:(?:\/\/\/)?)?localhost(?::\d+)?$/.test(target)
  );
}
