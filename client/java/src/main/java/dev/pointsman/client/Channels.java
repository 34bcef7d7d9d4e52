package dev.pointsman.client;

import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** gRPC channels as {@link ConnectOptions} want them. */
final class Channels {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private Channels() {}

  /** Does not connect yet. IllegalArgumentException: the target or a certificate cannot be used. */
  static ManagedChannel open(ConnectOptions options, boolean balanceByHealth) {
    ManagedChannelBuilder<?> builder;
    try {
      builder = Grpc.newChannelBuilder(options.target, credentials(options.tls));
    } catch (RuntimeException e) { // of several kinds: unknown scheme, garbled certificate
      throw new IllegalArgumentException(
          "cannot connect to " + options.target + " with these options: " + e.getMessage(), e);
    }
    builder
        .userAgent("pointsman-java/" + PointsmanClient.VERSION)
        .enableRetry()
        .defaultServiceConfig(serviceConfig(options, balanceByHealth))
        .maxInboundMessageSize(options.maxResponseBytes)
        .keepAliveTime(
            TimeUnit.NANOSECONDS.convert(options.keepaliveInterval), TimeUnit.NANOSECONDS)
        .keepAliveTimeout(
            TimeUnit.NANOSECONDS.convert(options.keepaliveTimeout), TimeUnit.NANOSECONDS)
        .keepAliveWithoutCalls(true);
    if (!options.apiKey.isEmpty()) {
      builder.intercept(authorize(options.apiKey));
    }
    options
        .tls
        .map(tls -> tls.serverName)
        .filter(name -> !name.isEmpty())
        .ifPresent(builder::overrideAuthority);
    return builder.build();
  }

  private static ChannelCredentials credentials(Optional<TlsOptions> options) {
    if (options.isEmpty()) {
      return InsecureChannelCredentials.create();
    }
    TlsOptions tls = options.get();
    TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
    try {
      if (!tls.rootCertificatesPem.isEmpty()) {
        credentials.trustManager(stream(tls.rootCertificatesPem));
      }
      if (!tls.certificateChainPem.isEmpty()) {
        credentials.keyManager(stream(tls.certificateChainPem), stream(tls.privateKeyPem));
      }
    } catch (IOException e) {
      throw new IllegalArgumentException(e); // Memory is always readable.
    }
    return credentials.build();
  }

  private static InputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8));
  }

  private static ClientInterceptor authorize(String apiKey) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + apiKey);
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  /** The gRPC service config that carries the retry policy and the health check. */
  static Map<String, ?> serviceConfig(ConnectOptions options, boolean balanceByHealth) {
    Map<String, Object> method = new HashMap<>();
    method.put("name", List.of(Map.of("service", "pointsman.v1.RouterService")));
    RetryOptions retry = options.retry;
    if (retry.maxAttempts() > 1) {
      method.put(
          "retryPolicy",
          Map.of(
              "maxAttempts", (double) retry.maxAttempts(),
              "initialBackoff", seconds(retry.initialBackoff()),
              "maxBackoff", seconds(retry.maxBackoff()),
              "backoffMultiplier", retry.backoffMultiplier(),
              "retryableStatusCodes", List.of("UNAVAILABLE")));
    }
    Map<String, Object> config = new HashMap<>();
    config.put("methodConfig", List.of(method));
    if (balanceByHealth) {
      config.put("loadBalancingConfig", List.of(Map.of("round_robin", Map.of())));
      config.put("healthCheckConfig", Map.of("serviceName", ""));
    }
    return config;
  }

  /** Protobuf's JSON form of a duration. */
  private static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%d.%09ds", duration.getSeconds(), duration.getNano());
  }
}
