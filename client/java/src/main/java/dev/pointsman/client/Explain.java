package dev.pointsman.client;

import static dev.pointsman.client.Figures.fixed;
import static dev.pointsman.client.Figures.number;

import dev.pointsman.v1.Baseline;
import dev.pointsman.v1.Candidate;
import dev.pointsman.v1.Degradation;
import dev.pointsman.v1.Evidence;
import dev.pointsman.v1.Outcome;
import dev.pointsman.v1.Provenance;
import dev.pointsman.v1.Rejection;
import dev.pointsman.v1.RouteResponse;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A decision as text for people: several lines, each of which ends with a newline. Pure. Control
 * characters in what came over the wire become spaces, so that a terminal is safe.
 */
public final class Explain {
  private static final int MAX_TEXT_CHARACTERS = 70; // of an exemplar: enough to recognise it
  private static final int DIGEST_CHARACTERS = 12;

  private Explain() {}

  /**
   * The choice, the ranked candidates, the rejected models, what weakened the decision, the
   * evidence and the rules that fired (both only in answers to requests with {@code explain}), what
   * would change the decision, and where it was made.
   *
   * @param response a decision
   * @return the text
   */
  public static String text(RouteResponse response) {
    RouteResponse safe = SafeText.of(response);
    return head(safe)
        + needs(safe)
        + section(candidates(safe))
        + section(rejected(safe))
        + section(list("weakened by", degradations(safe)))
        + section(evidence(safe))
        + section(list("rules that fired", safe.getRulesFiredList()))
        + section(list("what would change the decision", WhatWouldChange.sentences(safe)))
        + section(againstBaseline(safe) + origin(safe));
  }

  /**
   * The same, under a first line that says so where no router decided.
   *
   * @param routed what {@code routeOrDefault} gave
   * @return the text
   */
  public static String text(Routed routed) {
    if (routed.source() == Source.ROUTER) {
      return text(routed.response());
    }
    RouteResponse safe = SafeText.of(routed.response());
    StringBuilder text = new StringBuilder("the caller's default ranking, no router decided");
    routed.routerError().ifPresent(e -> text.append(": ").append(SafeText.of(e.getMessage())));
    text.append("\n");
    routed.uncheckedLimits().forEach(limit -> text.append("  not checked: " + limit + "\n"));
    text.append(
        safe.getModel().isEmpty()
            ? "no model of the ranking meets the requirements"
            : safe.getModel());
    return text + "\n" + section(rejected(safe));
  }

  private static String section(String text) {
    return text.isEmpty() ? "" : "\n" + text;
  }

  private static String list(String title, List<String> lines) {
    if (lines.isEmpty()) {
      return "";
    }
    return lines.stream().collect(Collectors.joining("\n  ", "  " + title + "\n  ", "\n"));
  }

  /** REJECTION_REASON_COST_ABOVE_LIMIT: "cost above limit". */
  private static String words(Enum<?> value, String prefix) {
    String name = value.name();
    return (name.startsWith(prefix) ? name.substring(prefix.length()) : name)
        .replace('_', ' ')
        .toLowerCase(Locale.ROOT);
  }

  private static String head(RouteResponse response) {
    Outcome outcome = response.getOutcome();
    if (outcome == Outcome.OUTCOME_CHOSEN) {
      return response.getModel()
          + "  confidence "
          + fixed(response.getConfidence(), 2)
          + ", margin "
          + fixed(response.getMargin(), 2)
          + ", familiarity "
          + fixed(response.getFamiliarity(), 2)
          + "\n";
    }
    if (outcome == Outcome.OUTCOME_INFEASIBLE) {
      return "no model qualifies: "
          + (response.hasRelaxation()
              ? WhatWouldChange.relaxation(response.getRelaxation())
              : "no single change of limits would help")
          + "\n";
    }
    if (outcome == Outcome.OUTCOME_ABSTAINED) {
      return "abstained  the policy prefers not to choose; familiarity "
          + fixed(response.getFamiliarity(), 2)
          + "\n";
    }
    return "no outcome in the answer\n";
  }

  private static String needs(RouteResponse response) {
    String mix =
        response.getCapabilitiesList().stream()
            .map(entry -> entry.getCapability() + " " + fixed(entry.getWeight(), 2))
            .collect(Collectors.joining(", "));
    String difficulty =
        response.hasDifficulty() ? "difficulty " + fixed(response.getDifficulty(), 2) : "";
    if (mix.isEmpty()) {
      return difficulty.isEmpty() ? "" : difficulty + "\n";
    }
    return "needs " + mix + (difficulty.isEmpty() ? "" : "; " + difficulty) + "\n";
  }

  private static String candidates(RouteResponse response) {
    TextTable table =
        new TextTable()
            .right("#")
            .left("candidate")
            .right("success")
            .right("90 % interval")
            .right("cost USD")
            .right("latency ms")
            .right("output tokens")
            .right("utility")
            .right("evidence")
            .left("wins at tradeoff");
    int rank = 0;
    for (Candidate candidate : response.getCandidatesList()) {
      table.row(
          Integer.toString(++rank),
          candidate.getModel(),
          fixed(candidate.getSuccessProbability(), 3),
          fixed(candidate.getSuccessInterval().getLower(), 2)
              + " to "
              + fixed(candidate.getSuccessInterval().getUpper(), 2),
          candidate.hasCostUsd() ? fixed(candidate.getCostUsd(), 6) : "unknown",
          candidate.hasLatencyMs() ? fixed(candidate.getLatencyMs(), 0) : "unknown",
          fixed(candidate.getOutputTokens(), 0),
          fixed(candidate.getUtility(), 4),
          fixed(candidate.getEffectiveEvidence(), 1),
          candidate.hasTradeoffInterval() ? WhatWouldChange.interval(candidate) : "");
    }
    return table.render();
  }

  private static String rejected(RouteResponse response) {
    TextTable table =
        new TextTable().left("rejected").left("why").right("limit").right("value").left("detail");
    for (Rejection rejection : response.getRejectedList()) {
      table.row(
          rejection.getModel(),
          words(rejection.getReason(), "REJECTION_REASON_"),
          rejection.hasLimit() ? number(rejection.getLimit()) : "",
          rejection.hasValue() ? number(rejection.getValue()) : "",
          SafeText.cut(rejection.getDetail(), MAX_TEXT_CHARACTERS));
    }
    return table.render();
  }

  private static List<String> degradations(RouteResponse response) {
    return response.getDegradationsList().stream().map(Explain::degradation).toList();
  }

  private static String degradation(Degradation degradation) {
    return words(degradation.getKind(), "DEGRADATION_KIND_")
        + ": "
        + SafeText.cut(degradation.getDetail(), 2 * MAX_TEXT_CHARACTERS);
  }

  private static String evidence(RouteResponse response) {
    TextTable table =
        new TextTable()
            .left("evidence")
            .right("similarity")
            .right("weight")
            .left("capability")
            .right("difficulty")
            .right("outcomes")
            .left("text");
    for (Evidence evidence : response.getEvidenceList()) {
      table.row(
          evidence.getExemplarId(),
          fixed(evidence.getSimilarity(), 2),
          fixed(evidence.getWeight(), 3),
          evidence.getCapability(),
          evidence.hasDifficulty() ? fixed(evidence.getDifficulty(), 2) : "",
          evidence.getOutcomesCount() == 0 ? "" : Integer.toString(evidence.getOutcomesCount()),
          SafeText.cut(evidence.getText(), MAX_TEXT_CHARACTERS));
    }
    return table.render();
  }

  private static String againstBaseline(RouteResponse response) {
    if (!response.hasBaseline() || response.getOutcome() != Outcome.OUTCOME_CHOSEN) {
      return "";
    }
    Baseline baseline = response.getBaseline();
    return "always "
        + baseline.getModel()
        + ": success "
        + fixed(baseline.getSuccessProbability(), 3)
        + (baseline.hasCostUsd() ? ", cost " + fixed(baseline.getCostUsd(), 6) + " USD" : "")
        + "\n";
  }

  private static String origin(RouteResponse response) {
    if (!response.hasProvenance()) {
      return "";
    }
    Provenance from = response.getProvenance();
    String digest = from.getBundleDigest();
    StringBuilder text = new StringBuilder("policy ").append(from.getPolicy()).append(", bundle ");
    if (!from.getBundleVersion().isEmpty()) {
      text.append(SafeText.cut(from.getBundleVersion(), MAX_TEXT_CHARACTERS)).append(" ");
    }
    text.append(digest, 0, Math.min(DIGEST_CHARACTERS, digest.length()));
    if (!response.getDecisionId().isEmpty()) {
      text.append(", decision ").append(response.getDecisionId());
    }
    if (from.getExplored()) {
      text.append(", explored with propensity ").append(fixed(from.getExplorationPropensity(), 3));
    }
    if (response.hasTimings()) {
      text.append(", ").append(fixed(response.getTimings().getTotalUs(), 0)).append(" us");
    }
    return text + "\n";
  }
}
