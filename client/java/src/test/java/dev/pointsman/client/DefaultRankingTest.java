package dev.pointsman.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
import java.util.List;
import org.junit.jupiter.api.Test;

/** The caller's own ranking keeps to the requirements, and owns up to what it cannot check. */
class DefaultRankingTest {
  private static final Catalogue CATALOGUE =
      Catalogue.newBuilder()
          .addModels(
              Model.newBuilder()
                  .setId("large")
                  .addFeatures("tools")
                  .addTags("region:eu")
                  .setContextWindowTokens(200_000))
          .addModels(Model.newBuilder().setId("small").setContextWindowTokens(8000))
          .build();
  private static final DefaultRanking SMALL_THEN_LARGE =
      DefaultRanking.fromCatalogue(CATALOGUE, List.of("small", "large"));

  private static RouteResponse decide(Requirements.Builder requirements) {
    return SMALL_THEN_LARGE
        .decide(RouteRequest.newBuilder().setRequirements(requirements).build())
        .response();
  }

  private static Rejection.Builder rejection(String model, RejectionReason reason) {
    return Rejection.newBuilder().setModel(model).setReason(reason);
  }

  @Test
  void theFirstModelIsTakenAndNothingIsEstimated() {
    RouteRequest request = RouteRequest.newBuilder().setCorrelationId("c").build();
    assertEquals(
        RouteResponse.newBuilder()
            .setOutcome(Outcome.OUTCOME_CHOSEN)
            .setModel("small")
            .addCandidates(Candidate.newBuilder().setModel("small"))
            .addCandidates(Candidate.newBuilder().setModel("large"))
            .setCorrelationId("c")
            .build(),
        SMALL_THEN_LARGE.decide(request).response());
  }

  @Test
  void allowAndDenyListsAreHonouredAllowFirst() {
    assertEquals("large", decide(Requirements.newBuilder().addDenyModels("small")).getModel());
    RouteResponse none =
        decide(Requirements.newBuilder().addAllowModels("small").addDenyModels("small"));
    assertEquals(
        RouteResponse.newBuilder()
            .setOutcome(Outcome.OUTCOME_INFEASIBLE)
            .addRejected(rejection("small", RejectionReason.REJECTION_REASON_DENIED))
            .addRejected(rejection("large", RejectionReason.REJECTION_REASON_NOT_ALLOWED))
            .build(),
        none);
  }

  @Test
  void theFirstMissingFeatureOrTagIsNamed() {
    RouteResponse features =
        decide(Requirements.newBuilder().addFeatures("tools").addFeatures("vision"));
    assertEquals(
        List.of(
            rejection("small", RejectionReason.REJECTION_REASON_MISSING_FEATURE)
                .setDetail("tools")
                .build(),
            rejection("large", RejectionReason.REJECTION_REASON_MISSING_FEATURE)
                .setDetail("vision")
                .build()),
        features.getRejectedList());
    RouteResponse tags = decide(Requirements.newBuilder().addTags("region:eu"));
    assertEquals("large", tags.getModel());
    assertEquals(
        rejection("small", RejectionReason.REJECTION_REASON_MISSING_TAG)
            .setDetail("region:eu")
            .build(),
        tags.getRejected(0));
  }

  @Test
  void inputAndOutputMustFitTheContext() {
    RouteResponse response =
        SMALL_THEN_LARGE
            .decide(
                RouteRequest.newBuilder().setInputTokens(7900).setExpectedOutputTokens(500).build())
            .response();
    assertEquals("large", response.getModel());
    assertEquals(
        rejection("small", RejectionReason.REJECTION_REASON_CONTEXT_TOO_SMALL)
            .setLimit(8400)
            .setValue(8000)
            .build(),
        response.getRejected(0));
  }

  @Test
  void whatIsUnknownSatisfiesNoRequirementButFitsAnEstimate() {
    DefaultRanking bare = DefaultRanking.ofIds("bare");
    RouteRequest.Builder required = RouteRequest.newBuilder();
    required.getRequirementsBuilder().setContextTokens(0);
    assertEquals(
        rejection("bare", RejectionReason.REJECTION_REASON_CONTEXT_UNKNOWN).setLimit(0).build(),
        bare.decide(required.build()).response().getRejected(0));
    RouteRequest estimated = RouteRequest.newBuilder().setInputTokens(1_000_000).build();
    assertEquals("bare", bare.decide(estimated).response().getModel());
  }

  @Test
  void limitsThatNeedAnEstimateAreNamedAsUnchecked() {
    RouteRequest request =
        RouteRequest.newBuilder()
            .setLimits(
                Limits.newBuilder()
                    .setMaxCostUsd(0)
                    .setMaxLatencyMs(5)
                    .setMinSuccessProbability(0.9))
            .build();
    assertEquals(
        List.of("limits.max_cost_usd", "limits.max_latency_ms", "limits.min_success_probability"),
        SMALL_THEN_LARGE.decide(request).uncheckedLimits());
    assertEquals(
        List.of(), SMALL_THEN_LARGE.decide(RouteRequest.getDefaultInstance()).uncheckedLimits());
  }

  @Test
  void anEmptyRankingIsInfeasible() {
    assertEquals(
        Outcome.OUTCOME_INFEASIBLE,
        DefaultRanking.ofIds().decide(RouteRequest.getDefaultInstance()).response().getOutcome());
  }

  @Test
  void anIdThatTheCatalogueDoesNotHaveIsNamed() {
    List<String> ids = List.of("small", "huge");
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> DefaultRanking.fromCatalogue(CATALOGUE, ids));
    assertEquals("the catalogue has no model `huge`", error.getMessage());
  }
}
