package dev.pointsman.client;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be asked of a connection. */
class OptionsTest {
  private static ConnectOptions.Builder options() {
    return ConnectOptions.builder();
  }

  private static String problem(Executable executable) {
    return assertThrows(IllegalArgumentException.class, executable).getMessage();
  }

  @Test
  void theDefaultsAreThoseOfASidecar() {
    ConnectOptions options = options().build();
    assertEquals("127.0.0.1:7431", options.target);
    assertEquals(Duration.ofSeconds(2), options.deadline);
    assertEquals(4, options.retry.maxAttempts());
    assertEquals(64 << 20, options.maxResponseBytes);
  }

  @Test
  void anOptionOutOfBoundsIsNamed() {
    assertEquals(
        "the target must name a host and port; it is empty",
        problem(() -> options().target("").build()));
    assertEquals(
        "the deadline must be > 0 ms; it is 0 ms",
        problem(() -> options().deadline(Duration.ZERO).build()));
    assertEquals(
        "the keepaliveInterval must be > 0 ms; it is -5 ms",
        problem(() -> options().keepaliveInterval(Duration.ofMillis(-5)).build()));
    assertEquals(
        "the keepaliveTimeout must be > 0 ms; it is 0 ms",
        problem(() -> options().keepaliveTimeout(Duration.ZERO).build()));
    assertEquals(
        "maxResponseBytes must be > 0; it is -1",
        problem(() -> options().maxResponseBytes(-1).build()));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 6})
  void attemptsAreOneToFive(int attempts) {
    assertEquals(
        "retry.maxAttempts must be 1 to 5; it is " + attempts,
        problem(() -> RetryOptions.DEFAULT.withMaxAttempts(attempts)));
  }

  @Test
  void backoffsStandInOrder() {
    Duration shorter = Duration.ofMillis(20);
    Duration longer = Duration.ofMillis(50);
    assertEquals(
        "retry needs 0 < initialBackoff <= maxBackoff and a multiplier > 0; they are 50 ms, 20 ms"
            + " and 2.0",
        problem(() -> RetryOptions.DEFAULT.withBackoff(longer, shorter, 2)));
    problem(() -> RetryOptions.DEFAULT.withBackoff(Duration.ZERO, longer, 2));
    problem(() -> RetryOptions.DEFAULT.withBackoff(shorter, longer, 0));
    problem(() -> RetryOptions.DEFAULT.withBackoff(shorter, longer, Double.NaN));
  }

  @Test
  void aKeyLeavesThisHostOnlyUnderTls() {
    ConnectOptions.Builder beyond = options().target("router.example:7431").apiKey("k");
    assertEquals(
        "an API key would be sent to router.example:7431 in plaintext; use TLS, or"
            + " allowApiKeyWithoutTls where a proxy encrypts",
        problem(beyond::build));
    assertDoesNotThrow(() -> beyond.allowApiKeyWithoutTls(true).build());
    assertDoesNotThrow(() -> beyond.allowApiKeyWithoutTls(false).tls(TlsOptions.DEFAULT).build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:7431",
        "LOCALHOST",
        "127.0.0.1:1",
        "127.255.0.9",
        "[::1]:7431",
        "::1",
        "unix:/run/pointsman",
        "dns:localhost:7431",
        "dns:///127.0.0.1:7431",
        "dns://10.0.0.1/localhost:7431",
        "ipv4:127.0.0.1:1,127.0.0.2:2",
        "ipv6:[::1]:7431"
      })
  void aKeyMayStayOnThisHostInPlaintext(String target) {
    assertDoesNotThrow(() -> options().target(target).apiKey("k").build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1.example:7431",
        "127.evil.example:7431",
        "localhost.example",
        "localhost:1@router.example:7431",
        "dns:///router.example:7431",
        "dns://127.0.0.1/router.example:7431",
        "ipv4:127.0.0.1:1,10.0.0.1:2",
        "127.0.0.256:7431",
        "[::2]:7431",
        "[",
        "10.0.0.1:7431"
      })
  void aNameThatOnlyBeginsLikeThisHostIsBeyondIt(String target) {
    assertTrue(
        problem(() -> options().target(target).apiKey("k").build()).contains("in plaintext"));
  }

  @Test
  void aKeyThatNoHeaderCanCarryIsRefusedWithoutBeingShown() {
    String problem = problem(() -> options().apiKey("secret\n").build());
    assertEquals("the API key must be printable ASCII; character 6 is not", problem);
  }

  @Test
  void aCertificateNeedsItsKey() {
    String together =
        "a client certificate and its private key must be given together; one is empty";
    assertEquals(
        together, problem(() -> TlsOptions.builder().certificateChain("certificate").build()));
    assertEquals(together, problem(() -> TlsOptions.builder().privateKey("key").build()));
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    Path missing = Path.of("no", "such.pem");
    IOException error =
        assertThrows(IOException.class, () -> TlsOptions.builder().privateKey(missing));
    assertEquals("cannot read " + missing + " as a PEM file", error.getMessage());
  }

  @Test
  void aTargetOfNoKnownSchemeIsRefusedAtOnce() {
    ConnectOptions options = options().target("nonesuch:///router").build();
    assertThrows(IllegalArgumentException.class, () -> PointsmanClient.connect(options));
  }

  @Test
  void theServiceConfigRetriesUnavailableOnly() {
    Map<String, ?> retry =
        Map.of(
            "maxAttempts",
            4.0,
            "initialBackoff",
            "0.050000000s",
            "maxBackoff",
            "1.000000000s",
            "backoffMultiplier",
            2.0,
            "retryableStatusCodes",
            List.of("UNAVAILABLE"));
    Map<String, ?> method =
        Map.of(
            "name", List.of(Map.of("service", "pointsman.v1.RouterService")), "retryPolicy", retry);
    assertEquals(
        Map.of("methodConfig", List.of(method)), Channels.serviceConfig(options().build(), false));
  }

  @Test
  void oneAttemptIsNoRetryPolicy() {
    ConnectOptions options = options().retry(RetryOptions.DEFAULT.withMaxAttempts(1)).build();
    assertFalse(Channels.serviceConfig(options, true).toString().contains("retryPolicy"));
  }
}
