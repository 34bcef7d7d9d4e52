package dev.pointsman.client;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How calls are tried again, within their deadline. Only UNAVAILABLE is: it says that the request
 * was not worked on, or that another replica should be asked. An overloaded router
 * (RESOURCE_EXHAUSTED) is left alone. gRPC spreads each backoff at random.
 *
 * @param maxAttempts 1 to 5, the first one included; 1: no retry
 * @param initialBackoff before the second attempt, &gt; 0
 * @param maxBackoff longest backoff, &gt;= {@code initialBackoff}
 * @param backoffMultiplier each backoff relative to the one before, &gt; 0
 */
public record RetryOptions(
    int maxAttempts, Duration initialBackoff, Duration maxBackoff, double backoffMultiplier) {

  /** Four attempts, 50 ms before the second, twice as long before each further one, at most 1 s. */
  public static final RetryOptions DEFAULT =
      new RetryOptions(4, Duration.ofMillis(50), Duration.ofSeconds(1), 2);

  /** gRPC silently cuts larger values to this. */
  private static final int MAX_ATTEMPTS = 5;

  /**
   * Checks every bound.
   *
   * @param maxAttempts 1 to 5
   * @param initialBackoff &gt; 0
   * @param maxBackoff &gt;= {@code initialBackoff}
   * @param backoffMultiplier &gt; 0
   * @throws IllegalArgumentException saying which value is out of which bound
   */
  public RetryOptions {
    if (maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS) {
      throw new IllegalArgumentException(
          "retry.maxAttempts must be 1 to " + MAX_ATTEMPTS + "; it is " + maxAttempts);
    }
    if (initialBackoff.isZero()
        || initialBackoff.isNegative()
        || maxBackoff.compareTo(initialBackoff) < 0
        || !(backoffMultiplier > 0)) {
      throw new IllegalArgumentException(
          "retry needs 0 < initialBackoff <= maxBackoff and a multiplier > 0; they are "
              + TimeUnit.MILLISECONDS.convert(initialBackoff)
              + " ms, "
              + TimeUnit.MILLISECONDS.convert(maxBackoff)
              + " ms and "
              + backoffMultiplier);
    }
  }

  /**
   * The same with another number of attempts.
   *
   * @param attempts 1 to 5, the first one included; 1: no retry
   * @return the new options
   * @throws IllegalArgumentException if it is out of bounds
   */
  public RetryOptions withMaxAttempts(int attempts) {
    return new RetryOptions(attempts, initialBackoff, maxBackoff, backoffMultiplier);
  }

  /**
   * The same with other pauses between attempts.
   *
   * @param initial before the second attempt, &gt; 0
   * @param max longest, &gt;= {@code initial}
   * @param multiplier each relative to the one before, &gt; 0
   * @return the new options
   * @throws IllegalArgumentException if one is out of bounds
   */
  public RetryOptions withBackoff(Duration initial, Duration max, double multiplier) {
    return new RetryOptions(maxAttempts, initial, max, multiplier);
  }
}
