import dev.pointsman.client.ConnectOptions;
import dev.pointsman.client.DefaultRanking;
import dev.pointsman.client.Explain;
import dev.pointsman.client.PointsmanClient;
import dev.pointsman.client.Routed;
import dev.pointsman.v1.RouteRequest;

/** Has a model whether or not a router answers, and says why it is this one. */
final class RouteOrDefault {
  private RouteOrDefault() {}

  public static void main(String[] arguments) {
    ConnectOptions options =
        ConnectOptions.builder()
            .target(System.getenv().getOrDefault("POINTSMAN_TARGET", ConnectOptions.DEFAULT_TARGET))
            .build();
    RouteRequest request =
        RouteRequest.newBuilder()
            .setText(arguments.length > 0 ? arguments[0] : "Why does my loop never end?")
            .setExplain(true)
            .build();
    DefaultRanking ranking = DefaultRanking.ofIds("my-usual-model", "my-second-model");
    try (PointsmanClient router = PointsmanClient.connect(options)) {
      Routed routed = router.routeOrDefault(request, ranking);
      System.out.print(Explain.text(routed));
      System.out.println("by default so far: " + router.defaultCounts().byDefault());
    }
  }
}
