// A decision as people read it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DegradationKind,
  explain,
  type ExplainOptions,
  Outcome,
  PointsmanError,
  RejectionReason,
  RouteResponseSchema,
} from "@pointsman/client";

type Response = MessageInitShape<typeof RouteResponseSchema>;

function candidate(model: string, lower: number, upper: number) {
  const estimate = { successProbability: 0.875, costUsd: 0.00125, outputTokens: 312.5 };
  return { model, ...estimate, tradeoffInterval: { lower, upper } };
}

const huge = {
  model: "huge",
  reason: RejectionReason.COST_ABOVE_LIMIT,
  limit: 0.01,
  value: 0.034,
};
const chosen = {
  outcome: Outcome.CHOSEN,
  model: "medium",
  confidence: 0.93,
  margin: 0.71,
  familiarity: 0.55,
  candidates: [
    candidate("medium", 0.25, 0.75),
    candidate("large", 0, 0.25),
    candidate("tiny", 0.75, 1),
  ],
  rejected: [huge],
  capabilities: [
    { capability: "debugging", weight: 0.8 },
    { capability: "maths", weight: 0.05 },
  ],
  difficulty: 0.125,
} satisfies Response;

function explained(response: Response, options?: ExplainOptions): string {
  return explain(create(RouteResponseSchema, response), options);
}

test("a whole decision", () => {
  const text = explained({
    ...chosen,
    candidates: [{ ...chosen.candidates[0], latencyMs: 1500, effectiveEvidence: 12.34 }],
    degradations: [{ kind: DegradationKind.NO_OUTCOMES, detail: "medium was never measured" }],
    evidence: [
      {
        exemplarId: "debugging-7",
        similarity: 0.83,
        weight: 0.5,
        text: "why?",
        outcomes: { a: 1 },
      },
    ],
    rulesFired: ["legal-needs-eu"],
    provenance: { bundleDigest: "0123456789abcdef", bundleVersion: "v7", policy: "balanced" },
    decisionId: "01JX",
    baseline: { model: "large", successProbability: 0.95, costUsd: 0.02 },
    timings: { totalUs: 120 },
  });
  assert.equal(
    text,
    `medium  confidence 0.93, margin 0.71, familiarity 0.55
needs debugging 0.80, maths 0.05; difficulty 0.12

  #  candidate  success  90 % interval  cost USD  latency ms  output tokens  utility  evidence  wins at tradeoff
  1  medium       0.875   0.00 to 0.00  0.001250        1500            312   0.0000      12.3  0.25 to 0.75

  rejected  why               limit  value
  huge      cost above limit   0.01  0.034

  weakened by
  no outcomes: medium was never measured

  evidence     similarity  weight  outcomes  text
  debugging-7        0.83   0.500         1  why?

  rules that fired
  legal-needs-eu

  what would change the decision
  medium has the best value at every tradeoff from 0.25 to 0.75
  huge needs limits.max_cost_usd at 0.034 instead of 0.01

always large: success 0.950, cost 0.020000 USD
policy balanced, bundle v7 0123456789ab, decision 01JX, 120 us
`,
  );
});

test("tells what would change the decision, unless told not to", () => {
  const text = explained(chosen);
  assert.match(
    text,
    /0\.00 to 0\.25 large, 0\.25 to 0\.75 medium \(this choice\), 0\.75 to 1\.00 tiny\n/,
  );
  assert.match(text, /probability of 0\.29 the runner-up large/);
  assert.doesNotMatch(explained(chosen, { reasons: false }), /would change/);
});

test("unknown cost and latency are said to be unknown", () => {
  assert.match(explained({ ...chosen, candidates: [{ model: "a" }] }), /unknown +unknown/);
});

test("abstention and a missing outcome", () => {
  assert.equal(
    explained({ outcome: Outcome.ABSTAINED, familiarity: 0.01 }),
    "abstained  the policy prefers not to choose; familiarity 0.01\n",
  );
  assert.equal(explained({}), "no outcome in the answer\n");
});

test("INFEASIBLE names the smallest relaxation", () => {
  const first = (relaxation: Response["relaxation"]) =>
    explained({ outcome: Outcome.INFEASIBLE, ...(relaxation && { relaxation }) }).split("\n")[0];
  const model = "large";
  assert.equal(first(undefined), "no model qualifies: no single change of limits would help");
  assert.equal(
    first({ field: "limits.max_cost_usd", current: 0.00002, needed: 0.0015, model }),
    "no model qualifies: raise limits.max_cost_usd from 0.00002 to 0.0015 and large qualifies",
  );
  assert.equal(
    first({ field: "limits.min_success_probability", current: 0.99, needed: 0.9, model }),
    "no model qualifies: lower limits.min_success_probability from 0.99 to 0.9 and large qualifies",
  );
  assert.equal(
    first({ field: "requirements.features", detail: "vision", model }),
    "no model qualifies: drop `vision` from requirements.features and large qualifies",
  );
  assert.equal(
    first({ field: "limits.max_cost_usd", current: 0, model }),
    "no model qualifies: drop limits.max_cost_usd and large qualifies",
  );
});

test("a limit is never rounded to one that just misses", () => {
  const above = { ...huge, limit: 0.000001, value: 0.00000330154 };
  assert.match(
    explained({ rejected: [above] }),
    /max_cost_usd at 0\.000003302 instead of 0\.000001\n/,
  );
  const below = {
    model: "m",
    reason: RejectionReason.SUCCESS_BELOW_LIMIT,
    limit: 0.99,
    value: 0.87659,
  };
  assert.match(
    explained({ rejected: [below] }),
    /success_probability at 0\.8765 instead of 0\.99\n/,
  );
});

test("no text from outside can drive the terminal", () => {
  const bad = "a\nb\x1b[2J\u009b";
  const text = explained({
    outcome: Outcome.CHOSEN,
    model: bad,
    candidates: [{ model: bad }],
    rejected: [{ model: bad, detail: bad }],
    capabilities: [{ capability: bad }],
    degradations: [{ detail: bad }],
    evidence: [{ exemplarId: bad, capability: bad, text: bad }],
    rulesFired: [bad],
    baseline: { model: bad },
    provenance: { bundleVersion: bad, bundleDigest: bad, policy: bad },
    decisionId: bad,
  });
  assert.match(text, /^a b \[2J {3}confidence/);
  assert.equal(text.replaceAll("\n", "").search(/\p{Cc}/u), -1);
  assert.equal(text.search(/^b/m), -1);
});

test("long text is cut between characters", () => {
  const text = explained({ evidence: [{ text: "🚂".repeat(100) }] });
  assert.match(text, /🚂🚂\.\.\.\n/);
  assert.equal(text.match(/🚂/gu)?.length, 70);
});

test("a default is labelled as such", () => {
  const routed = {
    source: "default",
    response: create(RouteResponseSchema, {
      outcome: Outcome.CHOSEN,
      model: "first",
      rejected: [huge],
    }),
    routerError: new PointsmanError("UNAVAILABLE", "connection\nrefused"),
    uncheckedLimits: ["limits.max_cost_usd"],
  } as const;
  assert.equal(
    explain(routed),
    `the caller's default ranking, no router decided: the router cannot be reached or is not serving: connection refused
  not checked: limits.max_cost_usd
first

  rejected  why               limit  value
  huge      cost above limit   0.01  0.034
`,
  );
  const response = create(RouteResponseSchema, { outcome: Outcome.INFEASIBLE });
  assert.match(
    explain({ ...routed, response }),
    /\nno model of the ranking meets the requirements\n/,
  );
});

test("where a router decided, that is what is explained", () => {
  const response = create(RouteResponseSchema, chosen);
  assert.equal(explain({ source: "router", response, uncheckedLimits: [] }), explain(response));
});
