package dev.pointsman.client;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/** Which gRPC targets stay on this host. Looks nothing up. */
final class Loopback {
  private static final Pattern IPV4 =
      Pattern.compile("127(\\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}");

  private Loopback() {}

  /**
   * Whether every address that a target may lead to is on this host. By the address and not by how
   * it begins: 127.0.0.1.example is a name that anybody can register.
   */
  static boolean isTarget(String target) {
    if (target.startsWith("unix:") || target.startsWith("unix-abstract:")) {
      return true;
    }
    if (target.startsWith("ipv4:") || target.startsWith("ipv6:")) {
      return Arrays.stream(target.substring(5).split(",", -1)).allMatch(Loopback::isAddress);
    }
    // dns://RESOLVER/NAME or dns:NAME
    return isAddress(target.replaceFirst("^dns:(//[^/]*/|/)?", ""));
  }

  private static boolean isAddress(String address) {
    String host = host(address);
    if (host.indexOf(':') < 0) {
      return host.equalsIgnoreCase("localhost") || IPV4.matcher(host).matches();
    }
    try {
      return InetAddress.getByName("[" + host + "]").isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false; // With brackets nothing else than an IPv6 address is taken.
    }
  }

  /** "[::1]:7431", "::1", "localhost:7431": the host, without brackets and port. */
  private static String host(String address) {
    if (address.startsWith("[")) {
      return address.substring(1, Math.max(1, address.indexOf(']')));
    }
    int colon = address.indexOf(':');
    return colon >= 0 && colon == address.lastIndexOf(':') ? address.substring(0, colon) : address;
  }
}
