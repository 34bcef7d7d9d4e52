package dev.pointsman.client;

import dev.pointsman.v1.BatchRouteRequest;
import dev.pointsman.v1.BatchRouteResponse;
import dev.pointsman.v1.GetCatalogueRequest;
import dev.pointsman.v1.GetCatalogueResponse;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;
import dev.pointsman.v1.RouterServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Asks a Pointsman router which language model should answer a query.
 *
 * <p>Thread-safe; share one, and close it at the end. Every call ends by its deadline, retries
 * included: the default one of the client, or that of the call.
 *
 * <p>Each call comes in two forms. The blocking one throws {@link PointsmanException}; UNAVAILABLE
 * has then been retried already. The one that ends in {@code Async} returns at once with a future
 * that fails with a {@code PointsmanException}; cancelling the future cancels the call. Futures
 * complete on a thread of gRPC's, so blocking work belongs into the {@code ...Async} methods of
 * {@link CompletableFuture}. A thread that is interrupted in a blocking call gets CANCELLED and
 * stays interrupted.
 */
public final class PointsmanClient implements AutoCloseable {
  /** Version of this library. */
  public static final String VERSION = "0.1.0";

  private final ConnectOptions options;
  private final ManagedChannel channel;
  private final DefaultCounters counters = new DefaultCounters();

  private PointsmanClient(ConnectOptions options) {
    this.options = options;
    this.channel = Channels.open(options, options.balanceByHealth);
  }

  /**
   * A client of the router at {@link ConnectOptions#DEFAULT_TARGET}, in plaintext.
   *
   * @return a new client
   */
  public static PointsmanClient connect() {
    return connect(ConnectOptions.builder().build());
  }

  /**
   * A client. Does not wait for the router: the first call connects.
   *
   * @param options where the router is, and how to reach it
   * @return a new client
   * @throws IllegalArgumentException if the target, a certificate or a key cannot be used
   */
  public static PointsmanClient connect(ConnectOptions options) {
    return new PointsmanClient(options);
  }

  /**
   * One decision, by the default deadline.
   *
   * @param request the query and what limits the choice
   * @return the decision; that no model qualifies is one, see its outcome
   * @throws PointsmanException if there is none
   */
  public RouteResponse route(RouteRequest request) {
    return route(request, options.deadline);
  }

  /**
   * One decision.
   *
   * @param request the query and what limits the choice
   * @param deadline time for the call, retries included, &gt; 0
   * @return the decision; that no model qualifies is one, see its outcome
   * @throws PointsmanException if there is none
   */
  public RouteResponse route(RouteRequest request, Duration deadline) {
    return call(channel, RouterServiceGrpc.getRouteMethod(), request, deadline);
  }

  /**
   * As {@link #route(RouteRequest)}.
   *
   * @param request the query and what limits the choice
   * @return the decision to come
   */
  public CompletableFuture<RouteResponse> routeAsync(RouteRequest request) {
    return routeAsync(request, options.deadline);
  }

  /**
   * As {@link #route(RouteRequest, Duration)}.
   *
   * @param request the query and what limits the choice
   * @param deadline time for the call, retries included, &gt; 0
   * @return the decision to come
   */
  public CompletableFuture<RouteResponse> routeAsync(RouteRequest request, Duration deadline) {
    return callAsync(channel, RouterServiceGrpc.getRouteMethod(), request, deadline);
  }

  /**
   * Many decisions, by the default deadline.
   *
   * @param request the requests, 1 to the server's limit (1,000 by default)
   * @return results in the order of the requests; each holds a decision or an error, see {@link
   *     PointsmanException#of}
   * @throws PointsmanException if the batch as a whole failed
   */
  public BatchRouteResponse batchRoute(BatchRouteRequest request) {
    return batchRoute(request, options.deadline);
  }

  /**
   * Many decisions.
   *
   * @param request the requests, 1 to the server's limit (1,000 by default)
   * @param deadline time for the call, retries included, &gt; 0
   * @return results in the order of the requests; each holds a decision or an error, see {@link
   *     PointsmanException#of}
   * @throws PointsmanException if the batch as a whole failed
   */
  public BatchRouteResponse batchRoute(BatchRouteRequest request, Duration deadline) {
    return call(channel, RouterServiceGrpc.getBatchRouteMethod(), request, deadline);
  }

  /**
   * As {@link #batchRoute(BatchRouteRequest)}.
   *
   * @param request the requests, 1 to the server's limit (1,000 by default)
   * @return the results to come
   */
  public CompletableFuture<BatchRouteResponse> batchRouteAsync(BatchRouteRequest request) {
    return batchRouteAsync(request, options.deadline);
  }

  /**
   * As {@link #batchRoute(BatchRouteRequest, Duration)}.
   *
   * @param request the requests, 1 to the server's limit (1,000 by default)
   * @param deadline time for the call, retries included, &gt; 0
   * @return the results to come
   */
  public CompletableFuture<BatchRouteResponse> batchRouteAsync(
      BatchRouteRequest request, Duration deadline) {
    return callAsync(channel, RouterServiceGrpc.getBatchRouteMethod(), request, deadline);
  }

  /**
   * Models, capabilities and policies of the bundle in service, by the default deadline.
   *
   * @return the catalogue
   * @throws PointsmanException if it was not to be had
   */
  public GetCatalogueResponse getCatalogue() {
    return getCatalogue(options.deadline);
  }

  /**
   * Models, capabilities and policies of the bundle in service.
   *
   * @param deadline time for the call, retries included, &gt; 0
   * @return the catalogue
   * @throws PointsmanException if it was not to be had
   */
  public GetCatalogueResponse getCatalogue(Duration deadline) {
    return call(
        channel,
        RouterServiceGrpc.getGetCatalogueMethod(),
        GetCatalogueRequest.getDefaultInstance(),
        deadline);
  }

  /**
   * As {@link #getCatalogue()}.
   *
   * @return the catalogue to come
   */
  public CompletableFuture<GetCatalogueResponse> getCatalogueAsync() {
    return getCatalogueAsync(options.deadline);
  }

  /**
   * As {@link #getCatalogue(Duration)}.
   *
   * @param deadline time for the call, retries included, &gt; 0
   * @return the catalogue to come
   */
  public CompletableFuture<GetCatalogueResponse> getCatalogueAsync(Duration deadline) {
    return callAsync(
        channel,
        RouterServiceGrpc.getGetCatalogueMethod(),
        GetCatalogueRequest.getDefaultInstance(),
        deadline);
  }

  /**
   * The router's decision, or that of {@code ranking}, by the default deadline. Never throws: an
   * error of the router's, an interruption included, is in the result. Labelled, and counted in
   * {@link #defaultCounts()}.
   *
   * @param request the query and what limits the choice
   * @param ranking what to fall back on
   * @return the decision and where it comes from
   */
  public Routed routeOrDefault(RouteRequest request, DefaultRanking ranking) {
    return routeOrDefault(request, ranking, options.deadline);
  }

  /**
   * As {@link #routeOrDefault(RouteRequest, DefaultRanking)}, by a deadline of its own.
   *
   * @param request the query and what limits the choice
   * @param ranking what to fall back on
   * @param deadline time for the call, retries included, &gt; 0
   * @return the decision and where it comes from
   */
  public Routed routeOrDefault(RouteRequest request, DefaultRanking ranking, Duration deadline) {
    RouteResponse response;
    try {
      response = route(request, deadline);
    } catch (PointsmanException e) {
      return byDefault(request, ranking, e);
    }
    return byRouter(response);
  }

  /**
   * As {@link #routeOrDefault(RouteRequest, DefaultRanking)}. The future never fails by itself.
   * Where the caller cancels it, the call is cancelled and nothing is counted.
   *
   * @param request the query and what limits the choice
   * @param ranking what to fall back on
   * @return the decision to come, and where it comes from
   */
  public CompletableFuture<Routed> routeOrDefaultAsync(
      RouteRequest request, DefaultRanking ranking) {
    return routeOrDefaultAsync(request, ranking, options.deadline);
  }

  /**
   * As {@link #routeOrDefaultAsync(RouteRequest, DefaultRanking)}, by a deadline of its own.
   *
   * @param request the query and what limits the choice
   * @param ranking what to fall back on
   * @param deadline time for the call, retries included, &gt; 0
   * @return the decision to come, and where it comes from
   */
  public CompletableFuture<Routed> routeOrDefaultAsync(
      RouteRequest request, DefaultRanking ranking, Duration deadline) {
    CompletableFuture<RouteResponse> call = routeAsync(request, deadline);
    CompletableFuture<Routed> routed =
        call.handle(
            (response, error) ->
                error == null
                    ? byRouter(response)
                    : byDefault(request, ranking, PointsmanException.from(error)));
    routed.whenComplete(
        (result, error) -> {
          if (error != null) {
            call.cancel(true);
          }
        });
    return routed;
  }

  private Routed byRouter(RouteResponse response) {
    counters.countRouter();
    return Routed.byRouter(response);
  }

  private Routed byDefault(
      RouteRequest request, DefaultRanking ranking, PointsmanException routerError) {
    counters.countDefault(routerError.code());
    return Routed.byDefault(ranking.decide(request), routerError);
  }

  /**
   * What {@code routeOrDefault} and {@code routeOrDefaultAsync} have returned so far.
   *
   * @return the counts since the client was created
   */
  public DefaultCounts defaultCounts() {
    return counters.read();
  }

  /**
   * Asks the standard gRPC health service, by the default deadline. Once, over a connection of its
   * own and without balancing by health, so that a router that is not serving can say so.
   *
   * @return whether it is serving
   * @throws PointsmanException if it did not say
   */
  public Health checkHealth() {
    return checkHealth(options.deadline);
  }

  /**
   * As {@link #checkHealth()}, by a deadline of its own.
   *
   * @param deadline time for the call, &gt; 0
   * @return whether it is serving
   * @throws PointsmanException if it did not say
   */
  public Health checkHealth(Duration deadline) {
    ManagedChannel aside = Channels.open(options, false);
    try {
      return health(
          call(
              aside,
              HealthGrpc.getCheckMethod(),
              HealthCheckRequest.getDefaultInstance(),
              deadline));
    } finally {
      aside.shutdownNow();
    }
  }

  /**
   * As {@link #checkHealth()}.
   *
   * @return the answer to come
   */
  public CompletableFuture<Health> checkHealthAsync() {
    return checkHealthAsync(options.deadline);
  }

  /**
   * As {@link #checkHealth(Duration)}.
   *
   * @param deadline time for the call, &gt; 0
   * @return the answer to come
   */
  public CompletableFuture<Health> checkHealthAsync(Duration deadline) {
    ManagedChannel aside = Channels.open(options, false);
    CompletableFuture<HealthCheckResponse> call =
        callAsync(
            aside, HealthGrpc.getCheckMethod(), HealthCheckRequest.getDefaultInstance(), deadline);
    CompletableFuture<Health> health = call.thenApply(PointsmanClient::health);
    // Ends the call, too, where the caller has given up.
    health.whenComplete((answer, error) -> aside.shutdownNow());
    return health;
  }

  private static Health health(HealthCheckResponse response) {
    return response.getStatus() == ServingStatus.SERVING ? Health.SERVING : Health.NOT_SERVING;
  }

  /**
   * Waits for the calls in progress, as long as the default deadline, and ends those that are left.
   * A call on a closed client fails with UNAVAILABLE.
   */
  @Override
  public void close() {
    channel.shutdown();
    try {
      channel.awaitTermination(
          TimeUnit.NANOSECONDS.convert(options.deadline), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      channel.shutdownNow();
    }
  }

  private static <Q, R> R call(
      Channel channel, MethodDescriptor<Q, R> method, Q request, Duration deadline) {
    CallOptions call = callOptions(deadline);
    try {
      return ClientCalls.blockingUnaryCall(channel, method, call, request);
    } catch (RuntimeException e) {
      throw PointsmanException.from(e);
    }
  }

  private static <Q, R> CompletableFuture<R> callAsync(
      Channel channel, MethodDescriptor<Q, R> method, Q request, Duration deadline) {
    CallFuture<Q, R> future = new CallFuture<>();
    try {
      ClientCalls.asyncUnaryCall(channel.newCall(method, callOptions(deadline)), request, future);
    } catch (RuntimeException e) {
      future.completeExceptionally(PointsmanException.from(e));
    }
    return future;
  }

  private static CallOptions callOptions(Duration deadline) {
    if (deadline.isZero() || deadline.isNegative()) {
      throw PointsmanException.invalid(
          "the deadline must be > 0 ms; it is " + TimeUnit.MILLISECONDS.convert(deadline) + " ms");
    }
    return CallOptions.DEFAULT.withDeadlineAfter(
        TimeUnit.NANOSECONDS.convert(deadline), TimeUnit.NANOSECONDS);
  }
}
