package dev.pointsman.client;

import dev.pointsman.v1.Candidate;
import dev.pointsman.v1.Catalogue;
import dev.pointsman.v1.Limits;
import dev.pointsman.v1.Model;
import dev.pointsman.v1.Outcome;
import dev.pointsman.v1.Rejection;
import dev.pointsman.v1.RejectionReason;
import dev.pointsman.v1.Requirements;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a caller falls back on when no router answers: its own list of models.
 *
 * <p>It knows nothing of the query, so it promises little: a model that the request's own
 * requirements allow, or none. What it cannot check is named, never assumed. Immutable.
 *
 * @param models best first. Ids are enough; features, tags and context windows let requirements be
 *     checked
 */
public record DefaultRanking(List<Model> models) {

  /**
   * Keeps a copy of the list.
   *
   * @param models best first
   */
  public DefaultRanking {
    models = List.copyOf(models);
  }

  /**
   * Models of which only the id is known. A request that requires a feature, a tag or a context
   * window rejects them, since what is unknown never satisfies a requirement.
   *
   * @param ids ids of models, best first
   * @return the ranking
   */
  public static DefaultRanking ofIds(String... ids) {
    return ofIds(List.of(ids));
  }

  /**
   * As {@link #ofIds(String...)}.
   *
   * @param ids ids of models, best first
   * @return the ranking
   */
  public static DefaultRanking ofIds(List<String> ids) {
    return new DefaultRanking(
        ids.stream().map(id -> Model.newBuilder().setId(id).build()).toList());
  }

  /**
   * The same order with what a catalogue, fetched earlier, says of each model.
   *
   * @param catalogue the models that are known
   * @param ids ids of models of the catalogue, best first
   * @return the ranking
   * @throws IllegalArgumentException naming the id that the catalogue does not have
   */
  public static DefaultRanking fromCatalogue(Catalogue catalogue, List<String> ids) {
    return new DefaultRanking(ids.stream().map(id -> find(catalogue, id)).toList());
  }

  private static Model find(Catalogue catalogue, String id) {
    return catalogue.getModelsList().stream()
        .filter(model -> model.getId().equals(id))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("the catalogue has no model `" + id + "`"));
  }

  /**
   * Decides without a router. Pure: the same ranking and request give the same decision.
   *
   * @param request what a router would have been asked
   * @return the decision, and which limits it did not check
   */
  public DefaultDecision decide(RouteRequest request) {
    RouteResponse.Builder response = RouteResponse.newBuilder();
    for (Model model : models) {
      check(request, model)
          .ifPresentOrElse(
              rejection -> response.addRejected(rejection.setModel(model.getId())),
              () -> response.addCandidates(Candidate.newBuilder().setModel(model.getId())));
    }
    if (response.getCandidatesCount() == 0) {
      response.setOutcome(Outcome.OUTCOME_INFEASIBLE);
    } else {
      response.setOutcome(Outcome.OUTCOME_CHOSEN).setModel(response.getCandidates(0).getModel());
    }
    response.setCorrelationId(request.getCorrelationId());
    return new DefaultDecision(response.build(), uncheckedLimits(request.getLimits()));
  }

  /** In the order of the enum, as the router does. */
  private static Optional<Rejection.Builder> check(RouteRequest request, Model model) {
    Requirements requirements = request.getRequirements();
    if (requirements.getAllowModelsCount() > 0
        && !requirements.getAllowModelsList().contains(model.getId())) {
      return reject(RejectionReason.REJECTION_REASON_NOT_ALLOWED, "");
    }
    if (requirements.getDenyModelsList().contains(model.getId())) {
      return reject(RejectionReason.REJECTION_REASON_DENIED, "");
    }
    Optional<String> feature =
        firstMissing(requirements.getFeaturesList(), model.getFeaturesList());
    if (feature.isPresent()) {
      return reject(RejectionReason.REJECTION_REASON_MISSING_FEATURE, feature.get());
    }
    Optional<String> tag = firstMissing(requirements.getTagsList(), model.getTagsList());
    if (tag.isPresent()) {
      return reject(RejectionReason.REJECTION_REASON_MISSING_TAG, tag.get());
    }
    return checkContext(request, model);
  }

  private static Optional<Rejection.Builder> reject(RejectionReason reason, String detail) {
    return Optional.of(Rejection.newBuilder().setReason(reason).setDetail(detail));
  }

  private static Optional<String> firstMissing(List<String> required, List<String> present) {
    return required.stream().filter(name -> !present.contains(name)).findFirst();
  }

  private static Optional<Rejection.Builder> checkContext(RouteRequest request, Model model) {
    OptionalLong needed = contextNeeded(request);
    if (needed.isEmpty()) {
      return Optional.empty();
    }
    Rejection.Builder rejection = Rejection.newBuilder().setLimit(needed.getAsLong());
    if (model.hasContextWindowTokens()) {
      if (model.getContextWindowTokens() >= needed.getAsLong()) {
        return Optional.empty();
      }
      return Optional.of(
          rejection
              .setReason(RejectionReason.REJECTION_REASON_CONTEXT_TOO_SMALL)
              .setValue(model.getContextWindowTokens()));
    }
    if (!request.getRequirements().hasContextTokens()) {
      return Optional.empty();
    }
    return Optional.of(rejection.setReason(RejectionReason.REJECTION_REASON_CONTEXT_UNKNOWN));
  }

  /** Tokens that must fit; absent where the request gives nothing to go by. */
  private static OptionalLong contextNeeded(RouteRequest request) {
    if (request.getRequirements().hasContextTokens()) {
      return OptionalLong.of(request.getRequirements().getContextTokens());
    }
    if (request.hasInputTokens()) {
      return OptionalLong.of(request.getInputTokens() + request.getExpectedOutputTokens());
    }
    return OptionalLong.empty();
  }

  private static List<String> uncheckedLimits(Limits limits) {
    List<String> names = new ArrayList<>();
    if (limits.hasMaxCostUsd()) {
      names.add("limits.max_cost_usd");
    }
    if (limits.hasMaxLatencyMs()) {
      names.add("limits.max_latency_ms");
    }
    if (limits.hasMinSuccessProbability()) {
      names.add("limits.min_success_probability");
    }
    return names;
  }
}
