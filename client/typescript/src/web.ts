/**
 * Client of a Pointsman router over gRPC-Web, for browsers and wherever there is `fetch`. A proxy that
 * translates (Envoy's grpc_web filter) stands before the router.
 *
 * It takes no API key: whatever a page sends, its visitor can read. Let the proxy add the router's key
 * after it has checked the visitor. It does not retry either; the proxy knows better when to.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { codeName, invalid, makeDetail, PointsmanError } from "./errors.js";
import { RouterClient } from "./router_client.js";

export * from "./common.js";

/** How a browser reaches the proxy before a router. */
export interface WebClientOptions {
  /** Where the proxy answers, such as https://example.org/router. */
  baseUrl: string;
  /** Milliseconds for a call that names none, > 0. Default: 2000. */
  deadlineMs?: number | undefined;
  /** Sends the requests, for instance with credentials. Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
}

/**
 * A client of the router behind `options.baseUrl`. Does not connect. Throws PointsmanError
 * INVALID_ARGUMENT naming the option that is out of bounds.
 */
export function createWebClient(options: WebClientOptions): RouterClient {
  if (!URL.canParse(options.baseUrl)) {
    throw invalid(`baseUrl must be an absolute URL; it is \`${options.baseUrl}\``);
  }
  const { fetch = globalThis.fetch } = options;
  const transport = createGrpcWebTransport({
    baseUrl: options.baseUrl,
    fetch: async (input, init) => {
      try {
        return await fetch(input, init);
      } catch (cause) {
        // What `fetch` throws when nobody answers; an abort is told by its own name.
        if (!(cause instanceof TypeError)) throw cause;
        throw new ConnectError(cause.message, Code.Unavailable, undefined, undefined, cause);
      }
    },
  });
  return new RouterClient(async (method, request, { deadlineMs, signal }) => {
    try {
      const { message } = await transport.unary(method, signal, deadlineMs, undefined, request);
      return message;
    } catch (error) {
      throw fromConnectError(ConnectError.from(error));
    }
  }, options.deadlineMs ?? 2000);
}

function fromConnectError(error: ConnectError): PointsmanError {
  // Outgoing details are only a server's.
  const details = error.details.flatMap((detail) =>
    "type" in detail ? [makeDetail(detail.type, detail.value)] : [],
  );
  return new PointsmanError(codeName(error.code), error.rawMessage, { cause: error, details });
}
