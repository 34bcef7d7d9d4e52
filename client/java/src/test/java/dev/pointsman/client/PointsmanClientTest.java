package dev.pointsman.client;

import static dev.pointsman.client.ScriptedRouter.DECISION;
import static dev.pointsman.client.ScriptedRouter.deadAddress;
import static dev.pointsman.client.ScriptedRouter.failure;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import dev.pointsman.v1.BatchRouteRequest;
import dev.pointsman.v1.BatchRouteResponse;
import dev.pointsman.v1.BatchRouteResult;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls over a real socket, to a router that follows a script. */
@Timeout(20)
class PointsmanClientTest {
  private static final RouteRequest HELLO = RouteRequest.newBuilder().setText("hello").build();
  private static final DefaultRanking MINE = DefaultRanking.ofIds("mine");
  private static final Duration LONG = Duration.ofSeconds(10);

  private final ScriptedRouter router = new ScriptedRouter();
  private PointsmanClient client = connect(options());

  @AfterEach
  void end() {
    client.close();
    router.close();
  }

  private ConnectOptions.Builder options() {
    return ConnectOptions.builder().target(router.address());
  }

  private static PointsmanClient connect(ConnectOptions.Builder options) {
    return PointsmanClient.connect(options.build());
  }

  private void reconnect(ConnectOptions.Builder options) {
    client.close();
    client = connect(options);
  }

  private PointsmanException routeFails() {
    return assertThrows(PointsmanException.class, () -> client.route(HELLO));
  }

  private static PointsmanException failureOf(CompletableFuture<?> future) {
    ExecutionException thrown = assertThrows(ExecutionException.class, future::get);
    return assertInstanceOf(PointsmanException.class, thrown.getCause());
  }

  private String header(String name) {
    return router.headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
  }

  @Test
  void aDecisionComesBack() throws Exception {
    assertEquals("scripted", client.route(HELLO).getModel());
    assertEquals("scripted", client.routeAsync(HELLO).get().getModel());
    assertEquals("d1", client.getCatalogue().getBundleDigest());
    assertEquals("d1", client.getCatalogueAsync().get().getBundleDigest());
  }

  @Test
  void theClientNamesItselfAndItsVersion() {
    client.route(HELLO);
    assertTrue(header("user-agent").startsWith("pointsman-java/" + PointsmanClient.VERSION + " "));
    assertEquals(System.getProperty("pointsman.version"), PointsmanClient.VERSION);
  }

  @Test
  void theKeyIsABearerToken() {
    reconnect(options().apiKey("secret"));
    client.route(HELLO);
    assertEquals("Bearer secret", header("authorization"));
    client.checkHealth();
    assertEquals("Bearer secret", header("authorization"));
  }

  @Test
  void unavailableIsTriedAgain() {
    router.onRoute =
        (call, request) -> {
          if (call < 3) {
            throw Status.UNAVAILABLE.asRuntimeException();
          }
          return DECISION;
        };
    assertEquals("scripted", client.route(HELLO).getModel());
    assertEquals(3, router.calls.get());
  }

  @Test
  void fourAttemptsAreTheMost() {
    router.onRoute = (call, request) -> fail(Status.UNAVAILABLE);
    assertEquals(Status.Code.UNAVAILABLE, routeFails().code());
    assertEquals(4, router.calls.get());
  }

  @Test
  void oneAttemptIsNoRetry() {
    reconnect(options().retry(RetryOptions.DEFAULT.withMaxAttempts(1)));
    router.onRoute = (call, request) -> fail(Status.UNAVAILABLE);
    assertEquals(Status.Code.UNAVAILABLE, routeFails().code());
    assertEquals(1, router.calls.get());
  }

  @Test
  void aRefusedRequestIsNotTriedAgainAndNamesItsFields() {
    router.onRoute =
        (call, request) -> {
          throw failure(
              Status.Code.INVALID_ARGUMENT,
              "the request is refused",
              BadRequest.newBuilder()
                  .addFieldViolations(
                      BadRequest.FieldViolation.newBuilder()
                          .setField("policy")
                          .setDescription("no policy `x`"))
                  .build());
        };
    PointsmanException error = routeFails();
    assertEquals(1, router.calls.get());
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("the request is refused", error.status().getMessage());
    assertEquals(List.of(new FieldViolation("policy", "no policy `x`")), error.fieldViolations());
    assertEquals(
        "the request is invalid: the request is refused; policy: no policy `x`",
        error.getMessage());
  }

  @Test
  void anOverloadedRouterIsLeftAloneAndSaysWhenToTryAgain() {
    router.onRoute =
        (call, request) -> {
          throw failure(
              Status.Code.RESOURCE_EXHAUSTED,
              "queue is full",
              RetryInfo.newBuilder()
                  .setRetryDelay(com.google.protobuf.Duration.newBuilder().setNanos(40_000_000))
                  .build());
        };
    PointsmanException error = routeFails();
    assertEquals(1, router.calls.get());
    assertEquals(Optional.of(Duration.ofMillis(40)), error.retryDelay());
    assertEquals("the router is at a limit: queue is full; try again in 40 ms", error.getMessage());
  }

  @Test
  void detailsThatAreNoneLeaveTheErrorReadable() {
    router.onRoute =
        (call, request) -> {
          throw failure(Status.Code.NOT_FOUND, "gone", new byte[] {-1, -1, -1});
        };
    PointsmanException error = routeFails();
    assertEquals(Status.Code.NOT_FOUND, error.code());
    assertEquals("gone", error.status().getMessage());
    assertEquals(List.of(), error.fieldViolations());
    assertEquals(Optional.empty(), error.retryDelay());
  }

  @Test
  void theErrorOfABatchItemIsReadLikeThatOfACall() throws Exception {
    router.batch =
        BatchRouteResponse.newBuilder()
            .addResults(BatchRouteResult.newBuilder().setResponse(DECISION))
            .addResults(
                BatchRouteResult.newBuilder()
                    .setError(com.google.rpc.Status.newBuilder().setCode(3).setMessage("bad")))
            .build();
    BatchRouteRequest request = BatchRouteRequest.newBuilder().addRequests(HELLO).build();
    BatchRouteResponse response = client.batchRoute(request);
    assertEquals(response, client.batchRouteAsync(request).get());
    PointsmanException error = PointsmanException.of(response.getResults(1).getError());
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("the request is invalid: bad", error.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> PointsmanException.of(com.google.rpc.Status.getDefaultInstance()));
  }

  @Test
  void aCodeThatGrpcDoesNotKnowIsUnknown() {
    assertEquals(
        Status.Code.UNKNOWN,
        PointsmanException.of(com.google.rpc.Status.newBuilder().setCode(99).build()).code());
  }

  @Test
  void theDefaultDeadlineEndsACall() {
    reconnect(options().deadline(Duration.ofMillis(200)));
    router.answers = false;
    long begin = System.nanoTime();
    assertEquals(Status.Code.DEADLINE_EXCEEDED, routeFails().code());
    assertEquals(Status.Code.DEADLINE_EXCEEDED, failureOf(client.routeAsync(HELLO)).code());
    assertTrue(millisSince(begin) < 2000);
  }

  @Test
  void theDeadlineOfACallWins() {
    router.answers = false;
    long begin = System.nanoTime();
    PointsmanException error =
        assertThrows(PointsmanException.class, () -> client.route(HELLO, Duration.ofMillis(150)));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, error.code());
    assertTrue(millisSince(begin) < 1500);
  }

  @Test
  void theDeadlineCoversAllAttempts() {
    Duration pause = Duration.ofMillis(800);
    reconnect(options().retry(RetryOptions.DEFAULT.withBackoff(pause, pause, 1)));
    router.onRoute = (call, request) -> fail(Status.UNAVAILABLE);
    long begin = System.nanoTime();
    assertThrows(PointsmanException.class, () -> client.route(HELLO, Duration.ofMillis(300)));
    assertTrue(millisSince(begin) < 1500);
    assertTrue(router.calls.get() < 4);
  }

  @Test
  void aDeadlineOfNoTimeIsRefused() {
    PointsmanException error =
        assertThrows(PointsmanException.class, () -> client.route(HELLO, Duration.ZERO));
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("the deadline must be > 0 ms; it is 0 ms", error.status().getMessage());
    Duration past = Duration.ofMillis(-5);
    assertEquals(Status.Code.INVALID_ARGUMENT, failureOf(client.routeAsync(HELLO, past)).code());
    Routed routed = client.routeOrDefault(HELLO, MINE, past);
    assertEquals(Source.DEFAULT_RANKING, routed.source());
    assertEquals(0, router.calls.get());
  }

  @Test
  void aDeadlineWithoutEndIsTaken() {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    reconnect(options().deadline(forever).keepaliveInterval(forever));
    assertEquals("scripted", client.route(HELLO).getModel());
  }

  @Test
  void aResponseThatIsTooLargeIsRefused() {
    reconnect(options().maxResponseBytes(1000));
    router.onRoute =
        (call, request) -> DECISION.toBuilder().setDecisionId("x".repeat(2000)).build();
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, routeFails().code());
  }

  @Test
  void aResponseLargerThanGrpcTakesByDefaultIsTaken() {
    RouteResponse large = DECISION.toBuilder().setDecisionId("x".repeat(5 << 20)).build();
    router.onRoute = (call, request) -> large;
    assertEquals(large, client.route(HELLO, LONG));
  }

  @Test
  void whereNobodyListensTheErrorSaysWhy() {
    String nowhere = deadAddress();
    reconnect(options().target(nowhere));
    PointsmanException error = routeFails();
    assertEquals(Status.Code.UNAVAILABLE, error.code());
    assertTrue(error.getMessage().startsWith("the router cannot be reached or is not serving: "));
    assertTrue(error.getMessage().contains("refused: /" + nowhere), error.getMessage());
  }

  @Test
  void theRouterDecidesWhereItCan() throws Exception {
    Routed routed = client.routeOrDefault(HELLO, MINE);
    assertEquals(new Routed(Source.ROUTER, DECISION, Optional.empty(), List.of()), routed);
    assertEquals(routed, client.routeOrDefaultAsync(HELLO, MINE).get());
    assertEquals(new DefaultCounts(2, 0, Map.of()), client.defaultCounts());
  }

  @Test
  void elseTheRankingDecidesAndIsCounted() throws Exception {
    reconnect(options().target(deadAddress()));
    RouteRequest.Builder request = HELLO.toBuilder();
    request.getLimitsBuilder().setMaxCostUsd(0.01);
    Routed routed = client.routeOrDefault(request.build(), MINE);
    assertEquals(Source.DEFAULT_RANKING, routed.source());
    assertEquals("mine", routed.response().getModel());
    assertEquals(Status.Code.UNAVAILABLE, routed.routerError().orElseThrow().code());
    assertEquals(List.of("limits.max_cost_usd"), routed.uncheckedLimits());
    assertEquals("mine", client.routeOrDefaultAsync(HELLO, MINE).get().response().getModel());
    assertEquals(
        new DefaultCounts(0, 2, Map.of(Status.Code.UNAVAILABLE, 2L)), client.defaultCounts());
  }

  @Test
  void aRefusalOfTheRequestAlsoEndsInTheRanking() {
    router.onRoute = (call, request) -> fail(Status.INVALID_ARGUMENT);
    assertEquals("mine", client.routeOrDefault(HELLO, MINE).response().getModel());
    assertEquals(
        Map.of(Status.Code.INVALID_ARGUMENT, 1L), client.defaultCounts().byDefaultPerCode());
  }

  @Test
  void cancellingAFutureCancelsTheCall() throws Exception {
    router.answers = false;
    CompletableFuture<RouteResponse> future = client.routeAsync(HELLO, LONG);
    awaitCall();
    future.cancel(true);
    assertTrue(router.cancelled.await(5, TimeUnit.SECONDS));
  }

  @Test
  void cancellingAFutureWithADefaultCancelsTheCallAndCountsNothing() throws Exception {
    router.answers = false;
    CompletableFuture<Routed> future = client.routeOrDefaultAsync(HELLO, MINE, LONG);
    awaitCall();
    future.cancel(true);
    assertTrue(router.cancelled.await(5, TimeUnit.SECONDS));
    assertEquals(new DefaultCounts(0, 0, Map.of()), client.defaultCounts());
  }

  @Test
  void aThreadThatIsInterruptedHasItsRankingAndStaysInterrupted() {
    router.answers = false;
    Thread.currentThread().interrupt();
    Routed routed = client.routeOrDefault(HELLO, MINE, LONG);
    assertTrue(Thread.interrupted());
    assertEquals("mine", routed.response().getModel());
    assertEquals(Status.Code.CANCELLED, routed.routerError().orElseThrow().code());
  }

  @Test
  void aRouterThatIsNotServingSaysSoAndGetsNoCalls() throws Exception {
    assertEquals(Health.SERVING, client.checkHealth());
    router.setServing(false);
    assertEquals(Health.NOT_SERVING, client.checkHealth());
    assertEquals(Health.NOT_SERVING, client.checkHealthAsync().get());
    assertEquals(Status.Code.UNAVAILABLE, routeFails().code());
    assertEquals(0, router.calls.get());
    router.setServing(true);
    awaitRouted();
  }

  @Test
  void withoutBalancingARouterThatIsNotServingIsCalled() {
    reconnect(options().balanceByHealth(false));
    router.setServing(false);
    assertEquals("scripted", client.route(HELLO).getModel());
  }

  @Test
  void theHealthOfNobodyIsAnError() {
    reconnect(options().target(deadAddress()));
    PointsmanException error = assertThrows(PointsmanException.class, client::checkHealth);
    assertEquals(Status.Code.UNAVAILABLE, error.code());
    assertEquals(Status.Code.UNAVAILABLE, failureOf(client.checkHealthAsync()).code());
  }

  @Test
  void aClosedClientFailsOrTakesTheRanking() {
    client.close();
    assertEquals(Status.Code.UNAVAILABLE, routeFails().code());
    assertEquals(Source.DEFAULT_RANKING, client.routeOrDefault(HELLO, MINE).source());
  }

  @Test
  void closingWaitsForCallsInProgress() throws Exception {
    router.onRoute =
        (call, request) -> {
          sleep(300);
          return DECISION;
        };
    CompletableFuture<RouteResponse> future = client.routeAsync(HELLO);
    awaitCall();
    client.close();
    assertEquals("scripted", future.get().getModel());
  }

  private static RouteResponse fail(Status status) {
    throw status.asRuntimeException();
  }

  private static long millisSince(long beginNanos) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beginNanos);
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Until the router works on a call. */
  private void awaitCall() {
    while (router.calls.get() == 0) {
      sleep(5);
    }
  }

  private void awaitRouted() {
    while (client.routeOrDefault(HELLO, MINE).source() != Source.ROUTER) {
      sleep(20);
    }
  }
}
