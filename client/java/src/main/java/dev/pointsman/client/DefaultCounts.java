package dev.pointsman.client;

import io.grpc.Status;
import java.util.Map;

/**
 * What {@link PointsmanClient#routeOrDefault} and its asynchronous form have returned since the
 * client was created. Put it on a dashboard: a default that is never noticed is a router that is
 * never missed.
 *
 * @param byRouter decisions of a router
 * @param byDefault decisions of the caller's ranking
 * @param byDefaultPerCode the same by the code of the router's error; codes that occurred
 */
public record DefaultCounts(
    long byRouter, long byDefault, Map<Status.Code, Long> byDefaultPerCode) {

  /**
   * Keeps a copy of the map.
   *
   * @param byRouter decisions of a router
   * @param byDefault decisions of the ranking
   * @param byDefaultPerCode the same by code
   */
  public DefaultCounts {
    byDefaultPerCode = Map.copyOf(byDefaultPerCode);
  }
}
