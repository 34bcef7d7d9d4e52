package dev.pointsman.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.pointsman.v1.Candidate;
import dev.pointsman.v1.DegradationKind;
import dev.pointsman.v1.Outcome;
import dev.pointsman.v1.RejectionReason;
import dev.pointsman.v1.Relaxation;
import dev.pointsman.v1.RouteResponse;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A decision as people read it. */
class ExplainTest {
  private static Candidate candidate(String model, double lower, double upper) {
    Candidate.Builder candidate =
        Candidate.newBuilder()
            .setModel(model)
            .setSuccessProbability(0.876)
            .setCostUsd(0.00125)
            .setOutputTokens(120)
            .setUtility(0.5)
            .setEffectiveEvidence(12.5);
    candidate.getSuccessIntervalBuilder().setLower(0.9).setUpper(0.96);
    candidate.getTradeoffIntervalBuilder().setLower(lower).setUpper(upper);
    return candidate.build();
  }

  private static RouteResponse.Builder chosen() {
    RouteResponse.Builder response =
        RouteResponse.newBuilder()
            .setDecisionId("01ARZ3NDEKTSV4RRFFQ69G5FAV")
            .setOutcome(Outcome.OUTCOME_CHOSEN)
            .setModel("medium")
            .setConfidence(0.934)
            .setMargin(0.7)
            .setFamiliarity(0.55)
            .setDifficulty(0.12)
            .addCandidates(candidate("medium", 0.25, 0.75).toBuilder().setLatencyMs(850))
            .addCandidates(candidate("large", 0, 0.25).toBuilder().clearCostUsd());
    response.addCapabilitiesBuilder().setCapability("greeting").setWeight(0.91);
    response.addCapabilitiesBuilder().setCapability("smalltalk").setWeight(0.05);
    response
        .addRejectedBuilder()
        .setModel("huge")
        .setReason(RejectionReason.REJECTION_REASON_COST_ABOVE_LIMIT)
        .setLimit(0.01)
        .setValue(0.034);
    response
        .addDegradationsBuilder()
        .setKind(DegradationKind.DEGRADATION_KIND_UNFAMILIAR)
        .setDetail("nothing like it was labelled");
    response
        .getProvenanceBuilder()
        .setPolicy("balanced")
        .setBundleVersion("starter-1")
        .setBundleDigest("0123456789abcdef");
    return response;
  }

  private static void assertHas(String part, RouteResponse.Builder response) {
    String text = Explain.text(response.build());
    assertTrue(text.contains(part), text);
  }

  private static RouteResponse.Builder infeasible(Relaxation.Builder relaxation) {
    return RouteResponse.newBuilder()
        .setOutcome(Outcome.OUTCOME_INFEASIBLE)
        .setRelaxation(relaxation);
  }

  @Test
  void everythingHasItsPlace() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY); // Figures do not follow it.
    try {
      assertEquals(
          """
          medium  confidence 0.93, margin 0.70, familiarity 0.55
          needs greeting 0.91, smalltalk 0.05; difficulty 0.12

            #  candidate  success  90 % interval  cost USD  latency ms  output tokens  utility  evidence  wins at tradeoff
            1  medium       0.876   0.90 to 0.96  0.001250         850            120   0.5000      12.5  0.25 to 0.75
            2  large        0.876   0.90 to 0.96   unknown     unknown            120   0.5000      12.5  0.00 to 0.25

            rejected  why               limit  value
            huge      cost above limit   0.01  0.034

            weakened by
            unfamiliar: nothing like it was labelled

            what would change the decision
            best value by tradeoff (0 = quality only, 1 = cost only): 0.00 to 0.25 large, 0.25 to 0.75 medium (this choice)
            more evidence: with a probability of 0.30 the runner-up large is really the better choice
            huge needs limits.max_cost_usd at 0.034 instead of 0.01

          policy balanced, bundle starter-1 0123456789ab, decision 01ARZ3NDEKTSV4RRFFQ69G5FAV
          """,
          Explain.text(chosen().build()));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void evidenceAndRulesStandWhereTheyArePresent() {
    RouteResponse.Builder response = chosen().addRulesFired("legal-needs-eu");
    response
        .addEvidenceBuilder()
        .setExemplarId("debugging-0007")
        .setText("why does my loop never end?")
        .setSimilarity(0.83)
        .putOutcomes("large", 1);
    assertHas("  rules that fired\n  legal-needs-eu\n", response);
    assertHas("  debugging-0007        0.83   0.000         1  why does my loop", response);
  }

  @Test
  void aBaselineIsCompared() {
    RouteResponse.Builder response = chosen();
    response.getBaselineBuilder().setModel("large").setSuccessProbability(0.9).setCostUsd(0.5);
    assertHas("\nalways large: success 0.900, cost 0.500000 USD\npolicy ", response);
  }

  @Test
  void halvesGoToTheEvenDigit() {
    assertEquals("0.12", Figures.fixed(0.125, 2));
    assertEquals("0.38", Figures.fixed(0.375, 2));
    assertEquals("NaN", Figures.fixed(Double.NaN, 2));
  }

  @Test
  void numbersHaveFourDigitsAndNoExponent() {
    assertEquals("0", Figures.number(0));
    assertEquals("0.00002", Figures.number(0.00002));
    assertEquals("0.1235", Figures.number(0.12345678));
    assertEquals("1000000", Figures.number(1e6));
    assertEquals("Infinity", Figures.number(Double.POSITIVE_INFINITY));
  }

  @Test
  void wireTextCannotDriveTheTerminal() {
    RouteResponse.Builder response = chosen().setModel("m\u001b[31m");
    response.addEvidenceBuilder().setText("line one\nline two\u001b[2J\u009b");
    String text = Explain.text(response.build());
    assertTrue(text.startsWith("m [31m  confidence"), text);
    assertTrue(text.contains("line one line two [2J\n"), text);
    assertFalse(text.chars().anyMatch(c -> c != '\n' && Character.isISOControl(c)), text);
  }

  @Test
  void longTextIsCutBetweenCharacters() {
    RouteResponse.Builder response = chosen();
    response.addEvidenceBuilder().setText("\ud83d\ude80".repeat(100));
    assertHas("\ud83d\ude80\ud83d\ude80...\n", response);
  }

  @Test
  void infeasibleNamesTheSmallestRelaxation() {
    Relaxation.Builder cost =
        Relaxation.newBuilder()
            .setField("limits.max_cost_usd")
            .setCurrent(0.00002)
            .setNeeded(0.0015)
            .setModel("tiny");
    assertHas(
        "no model qualifies: raise limits.max_cost_usd from 0.00002 to 0.0015 and tiny qualifies\n",
        infeasible(cost));
    Relaxation.Builder probability =
        Relaxation.newBuilder()
            .setField("limits.min_success_probability")
            .setCurrent(0.99)
            .setNeeded(0.9)
            .setModel("large");
    assertHas(
        "lower limits.min_success_probability from 0.99 to 0.9 and large qualifies",
        infeasible(probability));
    Relaxation.Builder feature =
        Relaxation.newBuilder()
            .setField("requirements.features")
            .setDetail("vision")
            .setModel("large");
    assertHas("drop `vision` from requirements.features and large qualifies", infeasible(feature));
    Relaxation.Builder unknown =
        Relaxation.newBuilder().setField("limits.max_cost_usd").setCurrent(0).setModel("in-house");
    assertHas("drop limits.max_cost_usd and in-house qualifies", infeasible(unknown));
  }

  @Test
  void otherOutcomesSayWhatTheyAre() {
    assertEquals(
        "no model qualifies: no single change of limits would help\n",
        Explain.text(RouteResponse.newBuilder().setOutcome(Outcome.OUTCOME_INFEASIBLE).build()));
    assertEquals(
        "abstained  the policy prefers not to choose; familiarity 0.01\n",
        Explain.text(
            RouteResponse.newBuilder()
                .setOutcome(Outcome.OUTCOME_ABSTAINED)
                .setFamiliarity(0.012)
                .build()));
    assertEquals(
        "no outcome in the answer\n",
        Explain.text(RouteResponse.newBuilder().setOutcomeValue(77).build()));
  }

  @Test
  void aLimitIsNeverRoundedToOneThatJustMisses() {
    assertEquals("0.000003302", Figures.admittingLimit(0.00000330154, 0.000001));
    assertEquals("0.8765", Figures.admittingLimit(0.87659, 0.99));
    assertEquals("0.0042", Figures.admittingLimit(0.0042, 0.001));
    assertEquals("12350", Figures.admittingLimit(12345, 1000));
  }

  @Test
  void aDefaultIsLabelledAsSuch() {
    PointsmanException error =
        PointsmanException.of(
            com.google.rpc.Status.newBuilder().setCode(14).setMessage("refused\u001b").build());
    Routed routed =
        new Routed(
            Source.DEFAULT_RANKING,
            RouteResponse.newBuilder().setModel("first").build(),
            Optional.of(error),
            List.of("limits.max_cost_usd"));
    assertEquals(
        """
        the caller's default ranking, no router decided: the router cannot be reached or is not serving: refused\s
          not checked: limits.max_cost_usd
        first
        """,
        Explain.text(routed));
  }

  @Test
  void aDecisionOfTheRouterIsExplainedAsItIs() {
    RouteResponse response = chosen().build();
    assertEquals(Explain.text(response), Explain.text(Routed.byRouter(response)));
  }
}
