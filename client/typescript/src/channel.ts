// Options -> a gRPC channel.
import { ChannelCredentials, Client, type ChannelOptions } from "@grpc/grpc-js";
import { invalid } from "./errors.js";
import { isThisHost, type ResolvedOptions, type TlsOptions } from "./options.js";
import { version } from "./version.js";

/** Does not connect. Throws INVALID_ARGUMENT where gRPC cannot use the target or a certificate. */
export function makeChannel(options: ResolvedOptions): Client {
  const credentials = options.tls
    ? tlsCredentials(options.tls)
    : ChannelCredentials.createInsecure();
  try {
    return new Client(options.target, credentials, channelOptions(options));
  } catch (cause) {
    throw invalid(`the target ${options.target} cannot be used: ${describe(cause)}`, { cause });
  }
}

function tlsCredentials(tls: TlsOptions): ChannelCredentials {
  try {
    return ChannelCredentials.createSsl(
      toBuffer(tls.rootCertificates),
      toBuffer(tls.privateKey),
      toBuffer(tls.certificateChain),
    );
  } catch (cause) {
    throw invalid(`tls: the certificates or the key cannot be used: ${describe(cause)}`, { cause });
  }
}

function toBuffer(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined || pem.length === 0 ? null : Buffer.from(pem);
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function channelOptions(options: ResolvedOptions): ChannelOptions {
  return {
    "grpc.service_config": JSON.stringify(serviceConfig(options)),
    // The retries promised here must not depend on a TXT record.
    "grpc.service_config_disable_resolution": 1,
    // A sidecar is never behind the proxy that the environment names.
    "grpc.enable_http_proxy": isThisHost(options.target) ? 0 : 1,
    "grpc.primary_user_agent": `pointsman-typescript/${version}`,
    "grpc.max_receive_message_length": options.maxResponseBytes,
    "grpc.keepalive_time_ms": options.keepaliveIntervalMs,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
    ...(options.tls?.serverName && { "grpc.ssl_target_name_override": options.tls.serverName }),
  };
}

function serviceConfig({ roundRobin, retry }: ResolvedOptions): object {
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(6)}s`;
  const retryPolicy = {
    maxAttempts: retry.maxAttempts,
    initialBackoff: seconds(retry.initialBackoffMs),
    maxBackoff: seconds(retry.maxBackoffMs),
    backoffMultiplier: retry.backoffMultiplier,
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  return {
    loadBalancingConfig: roundRobin ? [{ round_robin: {} }] : [],
    methodConfig: [
      {
        name: [{ service: "pointsman.v1.RouterService" }],
        ...(retry.maxAttempts > 1 && { retryPolicy }),
      },
    ],
  };
}
