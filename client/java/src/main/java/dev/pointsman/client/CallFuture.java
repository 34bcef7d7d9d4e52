package dev.pointsman.client;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;

/** A unary call as a future. However the future ends, so does the call. */
final class CallFuture<Q, R> extends CompletableFuture<R> implements ClientResponseObserver<Q, R> {
  private R response;

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> call) {
    whenComplete(
        (value, error) -> {
          if (error != null) {
            call.cancel("the caller has given up", null); // No effect on a call that has ended.
          }
        });
  }

  @Override
  public void onNext(R value) {
    response = value;
  }

  @Override
  public void onError(Throwable thrown) {
    completeExceptionally(PointsmanException.from(thrown));
  }

  @Override
  public void onCompleted() {
    if (response == null) {
      onError(Status.INTERNAL.withDescription("the call ended without an answer").asException());
    } else {
      complete(response);
    }
  }
}
