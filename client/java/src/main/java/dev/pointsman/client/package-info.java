/**
 * The Java client of a Pointsman router: typed calls with a deadline, retries, TLS and a key.
 *
 * <pre>{@code
 * try (PointsmanClient router = PointsmanClient.connect()) {
 *   RouteRequest request = RouteRequest.newBuilder()
 *       .setText("Prove that there are infinitely many primes.").build();
 *   Routed routed = router.routeOrDefault(request, DefaultRanking.ofIds("my-default"));
 *   callModel(routed.response().getModel());
 * }
 * }</pre>
 *
 * <p>Begin with {@link dev.pointsman.client.PointsmanClient}. Messages are those of the API,
 * generated into {@code dev.pointsman.v1}. No argument may be null, and none of the values returned
 * is.
 */
package dev.pointsman.client;
