package dev.pointsman.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * How a client reaches a router, with defaults that suit a sidecar on the same host. Immutable;
 * everything here is read once, by {@link PointsmanClient#connect(ConnectOptions)}.
 */
public final class ConnectOptions {
  /** Where a router listens unless told otherwise. */
  public static final String DEFAULT_TARGET = "127.0.0.1:7431";

  final String target;
  final Optional<TlsOptions> tls;
  final String apiKey; // empty: none
  final Duration deadline;
  final RetryOptions retry;
  final boolean balanceByHealth;
  final Duration keepaliveInterval;
  final Duration keepaliveTimeout;
  final int maxResponseBytes;

  private ConnectOptions(Builder builder) {
    target = builder.target;
    tls = builder.tls;
    apiKey = builder.apiKey;
    deadline = builder.deadline;
    retry = builder.retry;
    balanceByHealth = builder.balanceByHealth;
    keepaliveInterval = builder.keepaliveInterval;
    keepaliveTimeout = builder.keepaliveTimeout;
    maxResponseBytes = builder.maxResponseBytes;
  }

  /**
   * Begins with the defaults.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets one option after another; {@link #build()} checks them. Not thread-safe. */
  public static final class Builder {
    private String target = DEFAULT_TARGET;
    private Optional<TlsOptions> tls = Optional.empty();
    private String apiKey = "";
    private boolean allowApiKeyWithoutTls;
    private Duration deadline = Duration.ofSeconds(2);
    private RetryOptions retry = RetryOptions.DEFAULT;
    private boolean balanceByHealth = true;
    private Duration keepaliveInterval = Duration.ofSeconds(330);
    private Duration keepaliveTimeout = Duration.ofSeconds(20);
    private int maxResponseBytes = 64 << 20;

    private Builder() {}

    /**
     * Where the router is. Default: {@link #DEFAULT_TARGET}.
     *
     * @param value a gRPC target: {@code host:port}, {@code dns:///name:port}, {@code unix:/path}
     * @return this
     */
    public Builder target(String value) {
      target = Objects.requireNonNull(value, "target");
      return this;
    }

    /**
     * Encrypts. Default: plaintext.
     *
     * @param value certificates and names
     * @return this
     */
    public Builder tls(TlsOptions value) {
      tls = Optional.of(value);
      return this;
    }

    /**
     * Sent as {@code authorization: Bearer KEY}. Over plaintext it can be read on the way, so it is
     * refused beyond this host unless {@link #allowApiKeyWithoutTls} says that a proxy encrypts.
     *
     * @param value printable ASCII; empty, the default: none
     * @return this
     */
    public Builder apiKey(String value) {
      apiKey = Objects.requireNonNull(value, "apiKey");
      return this;
    }

    /**
     * Whether the key may go over plaintext beyond this host. Default: it may not.
     *
     * @param value true where a proxy is known to encrypt
     * @return this
     */
    public Builder allowApiKeyWithoutTls(boolean value) {
      allowApiKeyWithoutTls = value;
      return this;
    }

    /**
     * Time for a call that names none, retries included. Default: 2 s.
     *
     * @param value &gt; 0
     * @return this
     */
    public Builder deadline(Duration value) {
      deadline = Objects.requireNonNull(value, "deadline");
      return this;
    }

    /**
     * How calls are tried again. Default: {@link RetryOptions#DEFAULT}.
     *
     * @param value attempts and backoff
     * @return this
     */
    public Builder retry(RetryOptions value) {
      retry = Objects.requireNonNull(value, "retry");
      return this;
    }

    /**
     * Leaves out replicas that report NOT_SERVING, as one that drains does, and spreads calls over
     * the others. Default: true.
     *
     * @param value false: the first address that answers gets every call
     * @return this
     */
    public Builder balanceByHealth(boolean value) {
      balanceByHealth = value;
      return this;
    }

    /**
     * Time between pings that find dead connections between calls. gRPC servers cut off clients
     * that ping more often than every five minutes, unless configured otherwise. Default: 330 s.
     *
     * @param value &gt; 0; gRPC raises it to 10 s
     * @return this
     */
    public Builder keepaliveInterval(Duration value) {
      keepaliveInterval = Objects.requireNonNull(value, "keepaliveInterval");
      return this;
    }

    /**
     * Time a ping may take before the connection counts as dead. Default: 20 s.
     *
     * @param value &gt; 0
     * @return this
     */
    public Builder keepaliveTimeout(Duration value) {
      keepaliveTimeout = Objects.requireNonNull(value, "keepaliveTimeout");
      return this;
    }

    /**
     * Largest response taken; a larger one ends its call with RESOURCE_EXHAUSTED. A batch that
     * explains carries many exemplar texts. Default: 64 MiB.
     *
     * @param value bytes, &gt; 0
     * @return this
     */
    public Builder maxResponseBytes(int value) {
      maxResponseBytes = value;
      return this;
    }

    /**
     * The options so far.
     *
     * @return immutable options
     * @throws IllegalArgumentException saying which option is out of which bound
     */
    public ConnectOptions build() {
      if (target.isEmpty()) {
        throw new IllegalArgumentException("the target must name a host and port; it is empty");
      }
      requirePositive("deadline", deadline);
      requirePositive("keepaliveInterval", keepaliveInterval);
      requirePositive("keepaliveTimeout", keepaliveTimeout);
      if (maxResponseBytes <= 0) {
        throw new IllegalArgumentException(
            "maxResponseBytes must be > 0; it is " + maxResponseBytes);
      }
      checkApiKey();
      return new ConnectOptions(this);
    }

    private void checkApiKey() {
      for (int i = 0; i < apiKey.length(); ++i) {
        // Never shown: gRPC would log the whole header before it dropped it.
        if (apiKey.charAt(i) < ' ' || apiKey.charAt(i) > '~') {
          throw new IllegalArgumentException(
              "the API key must be printable ASCII; character " + i + " is not");
        }
      }
      if (!apiKey.isEmpty()
          && tls.isEmpty()
          && !allowApiKeyWithoutTls
          && !Loopback.isTarget(target)) {
        throw new IllegalArgumentException(
            "an API key would be sent to "
                + target
                + " in plaintext; use TLS, or allowApiKeyWithoutTls where a proxy encrypts");
      }
    }
  }

  /** Throws a sentence that names the option, unless it is above 0. */
  static void requirePositive(String option, Duration value) {
    if (value.isZero() || value.isNegative()) {
      throw new IllegalArgumentException(
          "the "
              + option
              + " must be > 0 ms; it is "
              + TimeUnit.MILLISECONDS.convert(value)
              + " ms");
    }
  }
}
