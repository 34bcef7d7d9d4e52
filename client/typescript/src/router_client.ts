// What every client of a router does, whatever carries its calls.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  BatchRouteRequestSchema,
  type BatchRouteResponse,
  GetCatalogueRequestSchema,
  type GetCatalogueResponse,
  RouteRequestSchema,
  type RouteResponse,
  RouterService,
} from "./gen/pointsman/v1/router_pb.js";
import { decideByDefault, type DefaultRanking } from "./default_ranking.js";
import { type Code, PointsmanError } from "./errors.js";
import { checkBatchTexts, checkDeadline, checkTexts } from "./requests.js";

/** How one call differs from the client's others. */
export interface CallOptions {
  /** Milliseconds for the call, > 0, retries included. Default: the client's `deadlineMs`. */
  deadlineMs?: number | undefined;
  /** Ends the call early; it then rejects with the signal's reason, as `fetch` does. */
  signal?: AbortSignal | undefined;
}

/** A decision and where it comes from. */
export type Routed =
  | {
      /** A router decided. */
      readonly source: "router";
      readonly response: RouteResponse;
      readonly uncheckedLimits: readonly [];
    }
  | {
      /** None answered: the caller's own ranking, blind to the query. */
      readonly source: "default";
      readonly response: RouteResponse;
      /**
       * Why no router decided. A refusal of the request itself (INVALID_ARGUMENT) also ends here,
       * since an application that has always had an answer must not stop when a model leaves the
       * catalogue; `defaultCounts` shows it.
       */
      readonly routerError: PointsmanError;
      /** Hard limits that need an estimate, such as "limits.max_cost_usd": not checked. */
      readonly uncheckedLimits: readonly string[];
    };

/** What `routeOrDefault` has returned since the client was created. */
export interface DefaultCounts {
  readonly byRouter: number;
  readonly byDefault: number;
  /** Codes that occurred. */
  readonly byDefaultPerCode: Readonly<Partial<Record<Code, number>>>;
}

/** One attempt to have a unary call answered. Rejects with PointsmanError. */
export type Unary = <Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  request: MessageShape<Input>,
  call: { readonly deadlineMs: number; readonly signal: AbortSignal | undefined },
) => Promise<MessageShape<Output>>;

/**
 * A router as its callers see it. Holds no state between calls but its connections and counters, so
 * any number of calls may be under way at once: share one.
 *
 * Every call ends by its deadline. It rejects with PointsmanError, or with the reason of the caller's
 * own AbortSignal.
 */
export class RouterClient {
  readonly #unary: Unary;
  readonly #deadlineMs: number;
  readonly #byDefaultPerCode = new Map<Code, number>();
  #byRouter = 0;

  /** For the functions that create clients: `createClient` and `createWebClient`. */
  constructor(unary: Unary, deadlineMs: number) {
    checkDeadline(deadlineMs);
    this.#unary = unary;
    this.#deadlineMs = deadlineMs;
  }

  /** One decision. "No model qualifies" and "I do not know" are decisions too: see `outcome`. */
  async route(
    request: MessageInitShape<typeof RouteRequestSchema>,
    call: CallOptions = {},
  ): Promise<RouteResponse> {
    const message = create(RouteRequestSchema, request);
    checkTexts(message);
    return this.#call(RouterService.method.route, message, call);
  }

  /**
   * Many decisions. Results in the order of the requests; each holds a decision or an error (see
   * PointsmanError.fromStatus).
   */
  async batchRoute(
    request: MessageInitShape<typeof BatchRouteRequestSchema>,
    call: CallOptions = {},
  ): Promise<BatchRouteResponse> {
    const message = create(BatchRouteRequestSchema, request);
    checkBatchTexts(message);
    return this.#call(RouterService.method.batchRoute, message, call);
  }

  /** Models, capabilities and policies of the bundle in service. */
  async getCatalogue(call: CallOptions = {}): Promise<GetCatalogueResponse> {
    const message = create(GetCatalogueRequestSchema);
    return this.#call(RouterService.method.getCatalogue, message, call);
  }

  /**
   * The router's decision, or that of `ranking`, labelled and counted. Whatever a router answers or
   * does not answer, this resolves; it rejects only when the caller's own signal is aborted.
   */
  async routeOrDefault(
    request: MessageInitShape<typeof RouteRequestSchema>,
    ranking: DefaultRanking,
    call: CallOptions = {},
  ): Promise<Routed> {
    const message = create(RouteRequestSchema, request);
    try {
      const response = await this.route(message, call);
      this.#byRouter += 1;
      return { source: "router", response, uncheckedLimits: [] };
    } catch (error) {
      if (!(error instanceof PointsmanError)) throw error;
      const { code } = error;
      this.#byDefaultPerCode.set(code, (this.#byDefaultPerCode.get(code) ?? 0) + 1);
      return { source: "default", routerError: error, ...decideByDefault(ranking, message) };
    }
  }

  /** What `routeOrDefault` has returned so far. */
  defaultCounts(): DefaultCounts {
    let byDefault = 0;
    for (const count of this.#byDefaultPerCode.values()) byDefault += count;
    return {
      byRouter: this.#byRouter,
      byDefault,
      byDefaultPerCode: Object.fromEntries(this.#byDefaultPerCode),
    };
  }

  async #call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageShape<Input>,
    { deadlineMs = this.#deadlineMs, signal }: CallOptions,
  ): Promise<MessageShape<Output>> {
    checkDeadline(deadlineMs);
    signal?.throwIfAborted();
    try {
      return await this.#unary(method, request, { deadlineMs, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }
}
