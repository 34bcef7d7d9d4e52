package dev.pointsman.client;

import dev.pointsman.v1.RouteResponse;
import java.util.List;

/**
 * What a {@link DefaultRanking} makes of a request.
 *
 * @param response CHOSEN with the first model that meets the requirements, or INFEASIBLE.
 *     Candidates and rejections are filled in; confidence, margin, familiarity and every estimate
 *     stay 0, the decision id and the provenance empty: nothing was estimated
 * @param uncheckedLimits hard limits of the request that need an estimate, such as {@code
 *     limits.max_cost_usd}: not checked
 */
public record DefaultDecision(RouteResponse response, List<String> uncheckedLimits) {

  /**
   * Keeps a copy of the list.
   *
   * @param response the decision
   * @param uncheckedLimits limits that were not checked
   */
  public DefaultDecision {
    uncheckedLimits = List.copyOf(uncheckedLimits);
  }
}
