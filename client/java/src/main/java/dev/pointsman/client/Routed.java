package dev.pointsman.client;

import dev.pointsman.v1.RouteResponse;
import java.util.List;
import java.util.Optional;

/**
 * A decision and where it comes from.
 *
 * @param source who decided
 * @param response the decision; see {@link DefaultDecision} for what it holds where no router
 *     decided
 * @param routerError why no router decided; empty with {@link Source#ROUTER}. A refusal of the
 *     request itself (INVALID_ARGUMENT) is here too, since an application that has always had an
 *     answer must not stop when a model leaves the catalogue; {@link
 *     PointsmanClient#defaultCounts()} shows it
 * @param uncheckedLimits hard limits of the request that were not checked, such as {@code
 *     limits.max_cost_usd}; empty with {@link Source#ROUTER}
 */
public record Routed(
    Source source,
    RouteResponse response,
    Optional<PointsmanException> routerError,
    List<String> uncheckedLimits) {

  /**
   * Keeps a copy of the list.
   *
   * @param source who decided
   * @param response the decision
   * @param routerError why no router did
   * @param uncheckedLimits limits that were not checked
   */
  public Routed {
    uncheckedLimits = List.copyOf(uncheckedLimits);
  }

  static Routed byRouter(RouteResponse response) {
    return new Routed(Source.ROUTER, response, Optional.empty(), List.of());
  }

  static Routed byDefault(DefaultDecision decision, PointsmanException routerError) {
    return new Routed(
        Source.DEFAULT_RANKING,
        decision.response(),
        Optional.of(routerError),
        decision.uncheckedLimits());
  }
}
