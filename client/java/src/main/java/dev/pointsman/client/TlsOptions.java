package dev.pointsman.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * How a connection is encrypted, and who proves what to whom. Immutable. Certificates are read
 * once: after a rotation of the client's own, create another client.
 */
public final class TlsOptions {
  /** The roots of the system, no identity of the client, the name of the target's host. */
  public static final TlsOptions DEFAULT = builder().build();

  // Empty where the default holds.
  final String rootCertificatesPem;
  final String certificateChainPem;
  final String privateKeyPem;
  final String serverName;

  private TlsOptions(Builder builder) {
    rootCertificatesPem = builder.rootCertificatesPem;
    certificateChainPem = builder.certificateChainPem;
    privateKeyPem = builder.privateKeyPem;
    serverName = builder.serverName;
  }

  /**
   * Begins with {@link #DEFAULT}.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets one option after another. Not thread-safe. */
  public static final class Builder {
    private String rootCertificatesPem = "";
    private String certificateChainPem = "";
    private String privateKeyPem = "";
    private String serverName = "";

    private Builder() {}

    /**
     * Authorities that may have signed the server's certificate.
     *
     * @param pem certificates in PEM; empty: the roots of the system
     * @return this
     */
    public Builder rootCertificates(String pem) {
      rootCertificatesPem = Objects.requireNonNull(pem, "pem");
      return this;
    }

    /**
     * As {@link #rootCertificates(String)}, from a file.
     *
     * @param file certificates in PEM
     * @return this
     * @throws IOException naming the file that cannot be read
     */
    public Builder rootCertificates(Path file) throws IOException {
      return rootCertificates(read(file));
    }

    /**
     * The client's own certificate, for mutual TLS.
     *
     * @param pem the certificate and those that lead to its root, in PEM
     * @return this
     */
    public Builder certificateChain(String pem) {
      certificateChainPem = Objects.requireNonNull(pem, "pem");
      return this;
    }

    /**
     * As {@link #certificateChain(String)}, from a file.
     *
     * @param file the certificate and those that lead to its root, in PEM
     * @return this
     * @throws IOException naming the file that cannot be read
     */
    public Builder certificateChain(Path file) throws IOException {
      return certificateChain(read(file));
    }

    /**
     * The private key of the client's own certificate.
     *
     * @param pem the key, PKCS #8 in PEM, not encrypted
     * @return this
     */
    public Builder privateKey(String pem) {
      privateKeyPem = Objects.requireNonNull(pem, "pem");
      return this;
    }

    /**
     * As {@link #privateKey(String)}, from a file.
     *
     * @param file the key, PKCS #8 in PEM, not encrypted
     * @return this
     * @throws IOException naming the file that cannot be read
     */
    public Builder privateKey(Path file) throws IOException {
      return privateKey(read(file));
    }

    /**
     * The name that the server's certificate must carry, sent as the authority of each call.
     *
     * @param name a host name; empty: the target's host
     * @return this
     */
    public Builder serverName(String name) {
      serverName = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * The options so far.
     *
     * @return immutable options
     * @throws IllegalArgumentException if only one of certificate and key was given
     */
    public TlsOptions build() {
      if (certificateChainPem.isEmpty() != privateKeyPem.isEmpty()) {
        throw new IllegalArgumentException(
            "a client certificate and its private key must be given together; one is empty");
      }
      return new TlsOptions(this);
    }

    private static String read(Path file) throws IOException {
      try {
        return Files.readString(file);
      } catch (IOException e) {
        throw new IOException("cannot read " + file + " as a PEM file", e);
      }
    }
  }
}
