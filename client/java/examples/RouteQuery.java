import dev.pointsman.client.ConnectOptions;
import dev.pointsman.client.PointsmanClient;
import dev.pointsman.client.PointsmanException;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;

/**
 * Asks the router at $POINTSMAN_TARGET, else at 127.0.0.1:7431, which model should answer a query.
 */
final class RouteQuery {
  private RouteQuery() {}

  public static void main(String[] arguments) {
    String target = System.getenv().getOrDefault("POINTSMAN_TARGET", ConnectOptions.DEFAULT_TARGET);
    String query =
        arguments.length > 0 ? arguments[0] : "Prove that there are infinitely many primes.";
    ConnectOptions options = ConnectOptions.builder().target(target).build();
    RouteRequest request = RouteRequest.newBuilder().setText(query).build();
    try (PointsmanClient router = PointsmanClient.connect(options)) {
      RouteResponse decision = router.route(request);
      switch (decision.getOutcome()) {
        case OUTCOME_CHOSEN ->
            System.out.printf(
                "%s, with confidence %.2f%n", decision.getModel(), decision.getConfidence());
        case OUTCOME_INFEASIBLE -> System.out.println("no model qualifies");
        default -> System.out.println("the router prefers not to choose");
      }
    } catch (PointsmanException e) {
      System.err.println(e.getMessage());
      e.fieldViolations().forEach(v -> System.err.println(v.field() + ": " + v.problem()));
      e.retryDelay().ifPresent(d -> System.err.println("try again in " + d.toMillis() + " ms"));
      System.exit(1);
    }
  }
}
