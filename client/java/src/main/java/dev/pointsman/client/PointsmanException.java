package dev.pointsman.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A call, or one item of a batch, that failed. Nothing of the router's error is lost: code, message
 * and every {@code google.rpc} detail are in {@link #status()}. {@link #getMessage()} is one
 * sentence for people: what failed, the fields at fault, when to try again.
 */
public final class PointsmanException extends RuntimeException {
  private static final long serialVersionUID = 1;

  // As bytes: those that are no google.rpc.Status must not fail the reading of the error.
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private final com.google.rpc.Status status;

  private PointsmanException(com.google.rpc.Status status, Throwable cause) {
    super(sentence(status), cause);
    this.status = status;
  }

  /**
   * The error of an item of a batch, {@code BatchRouteResult.error}.
   *
   * @param status the error, with a code other than OK
   * @return the error as {@code route} would have thrown it; not thrown
   * @throws IllegalArgumentException if the code is OK
   */
  public static PointsmanException of(com.google.rpc.Status status) {
    if (status.getCode() == Status.Code.OK.value()) {
      throw new IllegalArgumentException("a status of code OK is no error");
    }
    return new PointsmanException(status, null);
  }

  /** What gRPC threw; an exception of its own is kept as it is. */
  static PointsmanException from(Throwable thrown) {
    if (thrown instanceof PointsmanException already) {
      return already;
    }
    Status status = Status.fromThrowable(thrown);
    com.google.rpc.Status.Builder details = details(Status.trailersFromThrowable(thrown));
    // The trailer of the call is the authority; the detail blob only repeats code and message.
    return new PointsmanException(
        details.setCode(status.getCode().value()).setMessage(description(status)).build(), thrown);
  }

  static PointsmanException invalid(String problem) {
    return of(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.INVALID_ARGUMENT.value())
            .setMessage(problem)
            .build());
  }

  private static com.google.rpc.Status.Builder details(Metadata trailers) {
    byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
    try {
      return com.google.rpc.Status.newBuilder().mergeFrom(bytes == null ? new byte[0] : bytes);
    } catch (InvalidProtocolBufferException e) {
      return com.google.rpc.Status.newBuilder();
    }
  }

  /**
   * What gRPC itself finds ("io exception") says little without its cause; routers send no cause.
   */
  private static String description(Status status) {
    String description = status.getDescription() == null ? "" : status.getDescription();
    Throwable cause = status.getCause();
    if (cause == null) {
      return description;
    }
    String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return description.isEmpty() ? reason : description + ": " + reason;
  }

  /**
   * What kind of error it is.
   *
   * @return the gRPC code; UNKNOWN for one that gRPC does not know; never OK
   */
  public Status.Code code() {
    return Status.fromCodeValue(status.getCode()).getCode();
  }

  /**
   * The error as the router sent it.
   *
   * @return code, message and details
   */
  public com.google.rpc.Status status() {
    return status;
  }

  /**
   * What the router objected to.
   *
   * @return fields and problems; empty unless it sent a {@code google.rpc.BadRequest}
   */
  public List<FieldViolation> fieldViolations() {
    return fieldViolations(status);
  }

  /**
   * How long to wait before trying again.
   *
   * @return the delay; empty unless the router sent a {@code google.rpc.RetryInfo}
   */
  public Optional<Duration> retryDelay() {
    return retryDelay(status);
  }

  private static List<FieldViolation> fieldViolations(com.google.rpc.Status status) {
    return detail(status, BadRequest.class).stream()
        .flatMap(badRequest -> badRequest.getFieldViolationsList().stream())
        .map(violation -> new FieldViolation(violation.getField(), violation.getDescription()))
        .toList();
  }

  private static Optional<Duration> retryDelay(com.google.rpc.Status status) {
    return detail(status, RetryInfo.class)
        .filter(RetryInfo::hasRetryDelay)
        .map(RetryInfo::getRetryDelay)
        // Protobuf bounds a duration at 10,000 years; one beyond is no delay to wait.
        .filter(delay -> Math.abs(delay.getSeconds()) <= 315_576_000_000L)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
  }

  private static <T extends Message> Optional<T> detail(
      com.google.rpc.Status status, Class<T> type) {
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  private static String sentence(com.google.rpc.Status status) {
    StringBuilder sentence = new StringBuilder(status.getMessage());
    for (FieldViolation violation : fieldViolations(status)) {
      if (!status.getMessage().contains(violation.problem())) {
        sentence.append(sentence.isEmpty() ? "" : "; ");
        sentence.append(violation.field()).append(": ").append(violation.problem());
      }
    }
    if (sentence.isEmpty()) {
      sentence.append("no reason was given");
    }
    retryDelay(status)
        .ifPresent(delay -> sentence.append("; try again in " + delay.toMillis() + " ms"));
    return lead(Status.fromCodeValue(status.getCode()).getCode()) + sentence;
  }

  /** What the code means to somebody who does not know gRPC. */
  private static String lead(Status.Code code) {
    return switch (code) {
      case INVALID_ARGUMENT -> "the request is invalid: ";
      case UNAVAILABLE -> "the router cannot be reached or is not serving: ";
      case DEADLINE_EXCEEDED -> "the router did not answer in time: ";
      case RESOURCE_EXHAUSTED -> "the router is at a limit: ";
      case UNAUTHENTICATED -> "the router wants a valid API key: ";
      case PERMISSION_DENIED -> "the router does not permit this: ";
      case UNIMPLEMENTED -> "the server does not offer this call (is it a Pointsman router?): ";
      default -> "the call failed (" + code + "): ";
    };
  }
}
