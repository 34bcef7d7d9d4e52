package dev.pointsman.client;

import io.grpc.Status;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** Counts what {@link DefaultCounts} shows. Thread-safe. */
final class DefaultCounters {
  private final LongAdder byRouter = new LongAdder();
  private final AtomicLongArray byDefault = new AtomicLongArray(Status.Code.values().length);

  void countRouter() {
    byRouter.increment();
  }

  void countDefault(Status.Code code) {
    byDefault.incrementAndGet(code.ordinal());
  }

  DefaultCounts read() {
    Map<Status.Code, Long> perCode = new EnumMap<>(Status.Code.class);
    long sum = 0;
    for (Status.Code code : Status.Code.values()) {
      long count = byDefault.get(code.ordinal());
      if (count > 0) {
        perCode.put(code, count);
        sum += count;
      }
    }
    return new DefaultCounts(byRouter.sum(), sum, perCode);
  }
}
