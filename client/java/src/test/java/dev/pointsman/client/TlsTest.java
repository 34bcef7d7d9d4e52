package dev.pointsman.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.pointsman.v1.RouteRequest;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Mutual TLS over a real socket. */
@Timeout(20)
class TlsTest {
  @TempDir static Path directory;
  private static TestCertificates certificates;
  private static ScriptedRouter router;

  @BeforeAll
  static void begin() throws Exception {
    certificates = new TestCertificates(directory);
    certificates.issue("router.test");
    certificates.issue("client.test");
    router = new ScriptedRouter(mutualTls());
  }

  @AfterAll
  static void end() {
    router.close();
  }

  private static ServerCredentials mutualTls() throws IOException, GeneralSecurityException {
    return TlsServerCredentials.newBuilder()
        .keyManager(
            stream(certificates.certificate("router.test")),
            stream(certificates.privateKey("router.test")))
        .trustManager(stream(certificates.certificate("root")))
        .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
        .build();
  }

  private static InputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
  }

  private static TlsOptions.Builder trusting() throws Exception {
    return TlsOptions.builder()
        .rootCertificates(certificates.certificate("root"))
        .serverName("router.test");
  }

  private static TlsOptions.Builder identified() throws Exception {
    return trusting()
        .certificateChain(certificates.certificate("client.test"))
        .privateKey(certificates.privateKey("client.test"));
  }

  private static PointsmanClient connect(TlsOptions tls) {
    return PointsmanClient.connect(
        ConnectOptions.builder()
            .target(router.address())
            .tls(tls)
            .retry(RetryOptions.DEFAULT.withMaxAttempts(1))
            .build());
  }

  private static Status.Code route(TlsOptions tls) {
    try (PointsmanClient client = connect(tls)) {
      client.route(RouteRequest.newBuilder().setText("hello").build());
      return Status.Code.OK;
    } catch (PointsmanException e) {
      return e.code();
    }
  }

  @Test
  void bothSidesProveWhoTheyAre() throws Exception {
    assertEquals(Status.Code.OK, route(identified().build()));
    try (PointsmanClient client = connect(identified().build())) {
      assertEquals(Health.SERVING, client.checkHealth());
    }
  }

  @Test
  void certificatesComeFromFiles() throws Exception {
    Path root = directory.resolve("root.pem");
    Path chain = directory.resolve("client.pem");
    Path key = directory.resolve("client.key");
    Files.writeString(root, certificates.certificate("root"));
    Files.writeString(chain, certificates.certificate("client.test"));
    Files.writeString(key, certificates.privateKey("client.test"));
    assertEquals(
        Status.Code.OK,
        route(
            TlsOptions.builder()
                .rootCertificates(root)
                .certificateChain(chain)
                .privateKey(key)
                .serverName("router.test")
                .build()));
  }

  @Test
  void anotherNameThanTheCertificatesIsRefused() throws Exception {
    int before = router.calls.get();
    assertEquals(Status.Code.UNAVAILABLE, route(identified().serverName("elsewhere.test").build()));
    assertEquals(before, router.calls.get());
  }

  @Test
  void aRouterOfAnotherAuthorityIsRefused() throws Exception {
    assertEquals(
        Status.Code.UNAVAILABLE,
        route(identified().rootCertificates("").build())); // the system does not know our root
  }

  @Test
  void withoutACertificateOfItsOwnTheClientIsRefused() throws Exception {
    int before = router.calls.get();
    assertEquals(Status.Code.UNAVAILABLE, route(trusting().build()));
    assertEquals(before, router.calls.get());
  }

  @Test
  void whatIsNoCertificateIsRefusedAtOnce() throws Exception {
    TlsOptions tls = identified().privateKey("-----BEGIN NOTHING-----").build();
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> connect(tls));
    assertTrue(error.getMessage().startsWith("cannot connect to 127.0.0.1:"), error.getMessage());
    TlsOptions roots = TlsOptions.builder().rootCertificates("roots").build();
    assertThrows(IllegalArgumentException.class, () -> connect(roots));
  }
}
