package dev.pointsman.client;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.pointsman.v1.BatchRouteRequest;
import dev.pointsman.v1.BatchRouteResponse;
import dev.pointsman.v1.Catalogue;
import dev.pointsman.v1.GetCatalogueRequest;
import dev.pointsman.v1.GetCatalogueResponse;
import dev.pointsman.v1.Model;
import dev.pointsman.v1.Outcome;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;
import dev.pointsman.v1.RouterServiceGrpc.RouterServiceImplBase;
import io.grpc.Context;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A router that answers as a test says, over a real socket on a port of the system's choice. */
final class ScriptedRouter extends RouterServiceImplBase implements AutoCloseable {
  static final RouteResponse DECISION =
      RouteResponse.newBuilder().setOutcome(Outcome.OUTCOME_CHOSEN).setModel("scripted").build();

  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** Answers the call of that number, which counts from 1, or throws a StatusRuntimeException. */
  @FunctionalInterface
  interface Script {
    RouteResponse answer(int call, RouteRequest request);
  }

  final AtomicInteger calls = new AtomicInteger();
  final CountDownLatch cancelled = new CountDownLatch(1);
  volatile Script onRoute = (call, request) -> DECISION;
  volatile boolean answers = true; // false: calls stay open
  volatile BatchRouteResponse batch = BatchRouteResponse.getDefaultInstance();
  volatile Metadata headers; // of the last call

  private final HealthStatusManager health = new HealthStatusManager();
  private final Server server;

  ScriptedRouter() {
    this(InsecureServerCredentials.create());
  }

  ScriptedRouter(ServerCredentials credentials) {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), credentials)
              .addService(this)
              .addService(health.getHealthService())
              .intercept(new Headers())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where nobody listens: it was free a moment ago. */
  static String deadAddress() {
    try (ScriptedRouter router = new ScriptedRouter()) {
      return router.address();
    }
  }

  /** A failure that carries a google.rpc detail, as servers send it. */
  static StatusRuntimeException failure(Status.Code code, String message, Message... details) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message);
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return failure(code, message, status.build().toByteArray());
  }

  static StatusRuntimeException failure(Status.Code code, String message, byte[] details) {
    Metadata trailers = new Metadata();
    trailers.put(DETAILS, details);
    return code.toStatus().withDescription(message).asRuntimeException(trailers);
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  void setServing(boolean serving) {
    health.setStatus(
        HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
        serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void route(RouteRequest request, StreamObserver<RouteResponse> observer) {
    int call = calls.incrementAndGet();
    Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
    if (!answers) {
      return;
    }
    try {
      observer.onNext(onRoute.answer(call, request));
      observer.onCompleted();
    } catch (StatusRuntimeException e) {
      observer.onError(e);
    }
  }

  @Override
  public void batchRoute(BatchRouteRequest request, StreamObserver<BatchRouteResponse> observer) {
    observer.onNext(batch);
    observer.onCompleted();
  }

  @Override
  public void getCatalogue(
      GetCatalogueRequest request, StreamObserver<GetCatalogueResponse> observer) {
    observer.onNext(
        GetCatalogueResponse.newBuilder()
            .setBundleDigest("d1")
            .setCatalogue(Catalogue.newBuilder().addModels(Model.newBuilder().setId("scripted")))
            .build());
    observer.onCompleted();
  }

  private final class Headers implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata metadata, ServerCallHandler<Q, R> next) {
      headers = metadata;
      return next.startCall(call, metadata);
    }
  }
}
