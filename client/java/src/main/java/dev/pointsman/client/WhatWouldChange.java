package dev.pointsman.client;

import dev.pointsman.v1.Candidate;
import dev.pointsman.v1.Outcome;
import dev.pointsman.v1.Rejection;
import dev.pointsman.v1.RejectionReason;
import dev.pointsman.v1.Relaxation;
import dev.pointsman.v1.RouteResponse;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What would change a decision: the tradeoff, more evidence, or other limits. */
final class WhatWouldChange {
  /** Below this a runner-up is not worth a sentence. */
  private static final double MIN_DOUBT = 0.005;

  private WhatWouldChange() {}

  /** One sentence each, without a full stop; empty where nothing is known to change it. */
  static List<String> sentences(RouteResponse response) {
    Stream<Optional<String>> general =
        Stream.of(
            response.hasRelaxation()
                ? Optional.of(relaxation(response.getRelaxation()))
                : Optional.empty(),
            tradeoff(response),
            margin(response));
    Stream<Optional<String>> limits =
        response.getRejectedList().stream().map(WhatWouldChange::limit);
    return Stream.concat(general, limits).flatMap(Optional::stream).toList();
  }

  /** "raise limits.max_cost_usd from 0.001 to 0.0042 and model-x qualifies". */
  static String relaxation(Relaxation relaxation) {
    String qualifies = " and " + relaxation.getModel() + " qualifies";
    if (!relaxation.hasNeeded()) {
      // Without a detail the model's value is unknown, so no number would do.
      String what =
          relaxation.getDetail().isEmpty() ? "" : "`" + relaxation.getDetail() + "` from ";
      return "drop " + what + relaxation.getField() + qualifies;
    }
    boolean raise = !relaxation.hasCurrent() || relaxation.getNeeded() >= relaxation.getCurrent();
    return (raise ? "raise " : "lower ")
        + relaxation.getField()
        + (relaxation.hasCurrent() ? " from " + Figures.number(relaxation.getCurrent()) : "")
        + " to "
        + Figures.admittingLimit(relaxation.getNeeded(), relaxation.getCurrent())
        + qualifies;
  }

  /** Who wins in which part of 0..1. */
  private static Optional<String> tradeoff(RouteResponse response) {
    List<Candidate> winners =
        response.getCandidatesList().stream()
            .filter(Candidate::hasTradeoffInterval)
            .sorted(Comparator.comparingDouble(c -> c.getTradeoffInterval().getLower()))
            .toList();
    if (winners.isEmpty()) {
      return Optional.empty();
    }
    if (winners.size() == 1) {
      Candidate only = winners.get(0);
      return Optional.of(
          only.getModel() + " has the best value at every tradeoff from " + interval(only));
    }
    return Optional.of(
        winners.stream()
            .map(
                winner ->
                    interval(winner)
                        + " "
                        + winner.getModel()
                        + (winner.getModel().equals(response.getModel()) ? " (this choice)" : ""))
            .collect(
                Collectors.joining(
                    ", ", "best value by tradeoff (0 = quality only, 1 = cost only): ", "")));
  }

  static String interval(Candidate candidate) {
    return Figures.fixed(candidate.getTradeoffInterval().getLower(), 2)
        + " to "
        + Figures.fixed(candidate.getTradeoffInterval().getUpper(), 2);
  }

  private static Optional<String> margin(RouteResponse response) {
    double doubt = 1 - response.getMargin();
    if (response.getOutcome() != Outcome.OUTCOME_CHOSEN || doubt < MIN_DOUBT) {
      return Optional.empty();
    }
    return response.getCandidatesList().stream()
        .map(Candidate::getModel)
        .filter(model -> !model.equals(response.getModel()))
        .findFirst()
        .map(
            runnerUp ->
                "more evidence: with a probability of "
                    + Figures.fixed(doubt, 2)
                    + " the runner-up "
                    + runnerUp
                    + " is really the better choice");
  }

  /** What the model lacks first; it may lack more, so it is not said to be admitted then. */
  private static Optional<String> limit(Rejection rejection) {
    return field(rejection.getReason())
        .map(
            field ->
                rejection.getModel()
                    + " needs "
                    + field
                    + (rejection.hasLimit() && rejection.hasValue()
                        ? " at "
                            + Figures.admittingLimit(rejection.getValue(), rejection.getLimit())
                            + " instead of "
                            + Figures.number(rejection.getLimit())
                        : " dropped: its own value is unknown"));
  }

  /** The field of the request that a rejection for this reason is about; empty where none is. */
  private static Optional<String> field(RejectionReason reason) {
    return switch (reason) {
      case REJECTION_REASON_CONTEXT_TOO_SMALL, REJECTION_REASON_CONTEXT_UNKNOWN ->
          Optional.of("requirements.context_tokens");
      case REJECTION_REASON_COST_ABOVE_LIMIT, REJECTION_REASON_COST_UNKNOWN ->
          Optional.of("limits.max_cost_usd");
      case REJECTION_REASON_LATENCY_ABOVE_LIMIT, REJECTION_REASON_LATENCY_UNKNOWN ->
          Optional.of("limits.max_latency_ms");
      case REJECTION_REASON_SUCCESS_BELOW_LIMIT -> Optional.of("limits.min_success_probability");
      default -> Optional.empty();
    };
  }
}
