// The caller's own ranking keeps to the request's requirements, and owns up to what it cannot check.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CatalogueSchema,
  decideByDefault,
  Outcome,
  PointsmanError,
  rankFromCatalogue,
  rankIds,
  RejectionReason,
  RouteRequestSchema,
} from "@pointsman/client";

const catalogue = create(CatalogueSchema, {
  models: [
    { id: "large", features: ["tools"], tags: ["region:eu"], contextWindowTokens: 200_000n },
    { id: "small", contextWindowTokens: 8000n },
  ],
});
const smallThenLarge = rankFromCatalogue(catalogue, ["small", "large"]);

function decide(request: MessageInitShape<typeof RouteRequestSchema>, ranking = smallThenLarge) {
  return decideByDefault(ranking, create(RouteRequestSchema, request));
}

test("takes the first model, and estimates nothing", () => {
  const { response, uncheckedLimits } = decide({ correlationId: "c-1" });
  assert.equal(response.outcome, Outcome.CHOSEN);
  assert.equal(response.model, "small");
  assert.deepEqual(
    response.candidates.map(({ model, successProbability, costUsd }) => [
      model,
      successProbability,
      costUsd,
    ]),
    [
      ["small", 0, undefined],
      ["large", 0, undefined],
    ],
  );
  assert.equal(response.correlationId, "c-1");
  assert.equal(response.decisionId, "");
  assert.equal(response.provenance, undefined);
  assert.deepEqual(uncheckedLimits, []);
});

test("honours deny and allow lists", () => {
  assert.equal(decide({ requirements: { denyModels: ["small"] } }).response.model, "large");
  const requirements = { denyModels: ["small"], allowModels: ["small"] };
  const { response } = decide({ requirements });
  assert.equal(response.outcome, Outcome.INFEASIBLE);
  assert.equal(response.model, "");
  assert.deepEqual(
    response.rejected.map(({ model, reason }) => [model, reason]),
    [
      ["small", RejectionReason.DENIED],
      ["large", RejectionReason.NOT_ALLOWED],
    ],
  );
});

test("honours features and tags, naming the first that is missing", () => {
  const { response } = decide({ requirements: { features: ["tools", "vision"] } });
  assert.deepEqual(
    response.rejected.map(({ reason, detail }) => [reason, detail]),
    [
      [RejectionReason.MISSING_FEATURE, "tools"],
      [RejectionReason.MISSING_FEATURE, "vision"],
    ],
  );
  const byTag = decide({ requirements: { tags: ["region:eu"] } }).response;
  assert.equal(byTag.model, "large");
  assert.equal(byTag.rejected[0]?.reason, RejectionReason.MISSING_TAG);
  assert.equal(byTag.rejected[0].detail, "region:eu");
});

test("honours the context that the tokens need", () => {
  const { response } = decide({ inputTokens: 7900n, expectedOutputTokens: 500n });
  assert.equal(response.model, "large");
  assert.equal(response.rejected[0]?.reason, RejectionReason.CONTEXT_TOO_SMALL);
  assert.equal(response.rejected[0].limit, 8400);
  assert.equal(response.rejected[0].value, 8000);
  assert.equal(decide({ inputTokens: 8000n }).response.model, "small");
  const stated = { inputTokens: 9000n, requirements: { contextTokens: 8000n } };
  assert.equal(decide(stated).response.model, "small");
});

test("what is unknown satisfies no requirement", () => {
  const requirements = { contextTokens: 1000n };
  const [rejection] = decide({ requirements }, rankIds(["bare"])).response.rejected;
  assert.equal(rejection?.reason, RejectionReason.CONTEXT_UNKNOWN);
  assert.equal(rejection.limit, 1000);
  assert.equal(rejection.value, undefined);
  // Tokens alone require no window to be known.
  assert.equal(decide({ inputTokens: 1000n }, rankIds(["bare"])).response.model, "bare");
});

test("names the limits it cannot check", () => {
  const limits = { maxCostUsd: 0, maxLatencyMs: 5, minSuccessProbability: 0.9 };
  assert.deepEqual(decide({ limits }).uncheckedLimits, [
    "limits.max_cost_usd",
    "limits.max_latency_ms",
    "limits.min_success_probability",
  ]);
});

test("an id says as much as a model of which only the id is known", () => {
  const request = create(RouteRequestSchema, { requirements: { denyModels: ["a"] } });
  assert.deepEqual(
    decideByDefault(["a", "b"], request),
    decideByDefault(rankIds(["a", "b"]), request),
  );
});

test("an empty ranking is infeasible", () => {
  assert.equal(decide({}, []).response.outcome, Outcome.INFEASIBLE);
});

test("an id that the catalogue does not have is named", () => {
  assert.throws(
    () => rankFromCatalogue(catalogue, ["small", "huge"]),
    (error) =>
      error instanceof PointsmanError &&
      error.code === "INVALID_ARGUMENT" &&
      error.message === "the catalogue has no model `huge`",
  );
});
