// The conformance agent of the TypeScript client: see ../../PROTOCOL.md.
import { createInterface } from "node:readline";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  BatchRouteRequestSchema,
  BatchRouteResponseSchema,
  CatalogueSchema,
  type Client,
  createClient,
  explain,
  GetCatalogueResponseSchema,
  ModelSchema,
  PointsmanError,
  rankFromCatalogue,
  readTlsFiles,
  RouteRequestSchema,
  RouteResponseSchema,
} from "@pointsman/client";

interface Options {
  target?: string;
  tls?: {
    ca_file?: string;
    certificate_file?: string;
    key_file?: string;
    server_name?: string;
  };
  api_key?: string;
  allow_api_key_without_tls?: boolean;
  deadline_ms?: number;
  max_attempts?: number;
  initial_backoff_ms?: number;
  max_backoff_ms?: number;
  backoff_multiplier?: number;
  keepalive_interval_ms?: number;
  keepalive_timeout_ms?: number;
  balance_by_health?: boolean;
  max_response_bytes?: number;
}

interface Command {
  id: string;
  op: string;
  client: string;
  options: Options;
  request: string;
  response: string;
  catalogue: string;
  ids: string[];
  ranking: string[];
  deadline_ms?: number;
}

const clients = new Map<string, Client>();

function clientOf({ client }: Command): Client {
  const found = clients.get(client);
  if (!found) throw new PointsmanError("INVALID_ARGUMENT", `no client \`${client}\` is connected`);
  return found;
}

function connect({ client, options }: Command): void {
  const { tls } = options;
  const connected = createClient({
    target: options.target,
    tls: tls && {
      ...readTlsFiles({
        rootCertificates: tls.ca_file,
        certificateChain: tls.certificate_file,
        privateKey: tls.key_file,
      }),
      serverName: tls.server_name,
    },
    apiKey: options.api_key,
    allowApiKeyWithoutTls: options.allow_api_key_without_tls,
    deadlineMs: options.deadline_ms,
    retry: {
      maxAttempts: options.max_attempts,
      initialBackoffMs: options.initial_backoff_ms,
      maxBackoffMs: options.max_backoff_ms,
      backoffMultiplier: options.backoff_multiplier,
    },
    roundRobin: options.balance_by_health,
    keepaliveIntervalMs: options.keepalive_interval_ms,
    keepaliveTimeoutMs: options.keepalive_timeout_ms,
    maxResponseBytes: options.max_response_bytes,
  });
  clients.set(client, connected);
}

function decode<Desc extends DescMessage>(schema: Desc, text: string): MessageShape<Desc> {
  return fromBinary(schema, Buffer.from(text, "base64"));
}

function encode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return Buffer.from(toBinary(schema, message)).toString("base64");
}

function routeOrDefault(command: Command) {
  return clientOf(command).routeOrDefault(
    decode(RouteRequestSchema, command.request),
    command.ranking.map((model) => decode(ModelSchema, model)),
    { deadlineMs: command.deadline_ms },
  );
}

/** The members of the answer to a command that worked. */
async function carryOut(command: Command): Promise<object> {
  const call = { deadlineMs: command.deadline_ms };
  switch (command.op) {
    case "connect":
      connect(command);
      return {};
    case "route": {
      const request = decode(RouteRequestSchema, command.request);
      const response = await clientOf(command).route(request, call);
      return { response: encode(RouteResponseSchema, response) };
    }
    case "batch_route": {
      const request = decode(BatchRouteRequestSchema, command.request);
      const response = await clientOf(command).batchRoute(request, call);
      return { response: encode(BatchRouteResponseSchema, response) };
    }
    case "get_catalogue": {
      const response = await clientOf(command).getCatalogue(call);
      return { response: encode(GetCatalogueResponseSchema, response) };
    }
    case "check_health":
      return { health: await clientOf(command).checkHealth(call) };
    case "route_or_default": {
      const routed = await routeOrDefault(command);
      return {
        source: routed.source,
        response: encode(RouteResponseSchema, routed.response),
        unchecked_limits: routed.uncheckedLimits,
        ...(routed.source === "default" && { router_error: describe(routed.routerError) }),
      };
    }
    case "default_counts": {
      const counts = clientOf(command).defaultCounts();
      return {
        by_router: counts.byRouter,
        by_default: counts.byDefault,
        by_default_per_code: counts.byDefaultPerCode,
      };
    }
    case "rank_from_catalogue": {
      const catalogue = decode(CatalogueSchema, command.catalogue);
      const ranking = rankFromCatalogue(catalogue, command.ids);
      return { ranking: ranking.map((model) => encode(ModelSchema, model)) };
    }
    case "explain":
      return { text: explain(decode(RouteResponseSchema, command.response)) };
    case "explain_routed":
      return { text: explain(await routeOrDefault(command)) };
    case "close":
      clientOf(command).close();
      clients.delete(command.client);
      return {};
    default:
      throw new PointsmanError("UNIMPLEMENTED", `no op \`${command.op}\``);
  }
}

function describe(error: PointsmanError): object {
  return {
    code: error.code,
    message: error.message,
    ...(error.fieldViolations.length > 0 && { field_violations: error.fieldViolations }),
    ...(error.retryDelayMs !== undefined && { retry_delay_ms: error.retryDelayMs }),
  };
}

async function answer(command: Command): Promise<void> {
  let result: object;
  try {
    result = { ok: true, ...(await carryOut(command)) };
  } catch (error) {
    if (!(error instanceof PointsmanError)) throw error;
    result = { ok: false, ...describe(error) };
  }
  process.stdout.write(JSON.stringify({ id: command.id, ...result }) + "\n");
}

// A command runs up to its first wait before the next line is read, so `connect` is done by then. An
// error that is not the client's to report ends the agent with a stack trace.
for await (const line of createInterface({ input: process.stdin })) {
  void answer(JSON.parse(line) as Command);
}
