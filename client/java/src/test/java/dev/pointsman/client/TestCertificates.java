package dev.pointsman.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Certificates made by the JDK's keytool, in PEM: a root, and what it has signed. */
final class TestCertificates {
  private static final String PASSWORD = "changeit";
  private static final Base64.Encoder BASE64 = Base64.getMimeEncoder(64, new byte[] {'\n'});

  private final Path store;

  /** The key store goes into that directory. */
  TestCertificates(Path directory) throws IOException, InterruptedException {
    store = directory.resolve("test.p12");
    generate("root", List.of("-ext", "BasicConstraints:critical=ca:true"));
  }

  /** A certificate for that host, its key beside it. */
  void issue(String host) throws IOException, InterruptedException {
    generate(host, List.of("-signer", "root", "-ext", "SubjectAlternativeName=DNS:" + host));
  }

  String certificate(String name) throws IOException, GeneralSecurityException {
    Certificate certificate = load().getCertificate(name);
    return pem("CERTIFICATE", certificate.getEncoded());
  }

  String privateKey(String name) throws IOException, GeneralSecurityException {
    Key key = load().getKey(name, PASSWORD.toCharArray());
    return pem("PRIVATE KEY", key.getEncoded());
  }

  private KeyStore load() throws IOException, GeneralSecurityException {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
  }

  private static String pem(String kind, byte[] bytes) {
    String body = BASE64.encodeToString(bytes);
    return "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n";
  }

  private void generate(String name, List<String> options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-alias", name, "-dname", "CN=" + name));
    command.addAll(List.of("-keystore", store.toString(), "-storepass", PASSWORD));
    command.addAll(options);
    Path log = store.resolveSibling("keytool.log");
    Process keytool =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    if (keytool.waitFor() != 0) {
      throw new IOException(Files.readString(log));
    }
  }
}
