// A decision as text for people.
import type { DescEnum } from "@bufbuild/protobuf";
import {
  DegradationKindSchema,
  Outcome,
  RejectionReasonSchema,
  type RouteResponse,
} from "./gen/pointsman/v1/router_pb.js";
import { sentence } from "./errors.js";
import type { Routed } from "./router_client.js";
import { fixed, oneLine, significant, textTable } from "./text_table.js";
import { relaxationSentence, whatWouldChange } from "./what_would_change.js";

/** What `explain` says. */
export interface ExplainOptions {
  /**
   * Also the evidence, the rules that fired (both only in answers to requests with `explain`) and
   * what would change the decision. Default: true.
   */
  reasons?: boolean | undefined;
}

const maxTextCharacters = 70; // of an exemplar: enough to recognise it
const digestCharacters = 12;

/**
 * Several lines: the choice, the ranked candidates, the rejected models, what weakened the decision
 * and where it was made; where no router decided, under a first line that says so. Pure. Control
 * characters of texts from outside become blanks, so the result is safe for a terminal.
 */
export function explain(decision: RouteResponse | Routed, options: ExplainOptions = {}): string {
  if (!("source" in decision)) return explainResponse(decision, options);
  if (decision.source === "router") return explainResponse(decision.response, options);
  const { response, routerError, uncheckedLimits } = decision;
  return (
    line(`the caller's default ranking, no router decided: ${sentence(routerError)}`) +
    uncheckedLimits.map((limit) => line(`  not checked: ${limit}`)).join("") +
    line(response.model || "no model of the ranking meets the requirements") +
    rejected(response)
  );
}

function explainResponse(response: RouteResponse, { reasons = true }: ExplainOptions): string {
  const foot = againstBaseline(response) + origin(response);
  return (
    head(response) +
    needs(response) +
    candidates(response) +
    rejected(response) +
    degradations(response) +
    (reasons ? evidence(response) + rules(response) + changes(response) : "") +
    (foot && "\n" + foot)
  );
}

function line(text: string): string {
  return oneLine(text).trimEnd() + "\n";
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return ["", `  ${title}`, ...lines.map((text) => `  ${oneLine(text)}`), ""].join("\n");
}

// COST_ABOVE_LIMIT -> "cost above limit".
function words(schema: DescEnum, value: number): string {
  const name = schema.value[value]?.localName ?? String(value);
  return name.toLowerCase().replaceAll("_", " ");
}

function head(response: RouteResponse): string {
  const familiarity = `familiarity ${fixed(response.familiarity, 2)}`;
  switch (response.outcome) {
    case Outcome.CHOSEN:
      return line(
        `${response.model}  confidence ${fixed(response.confidence, 2)}, ` +
          `margin ${fixed(response.margin, 2)}, ${familiarity}`,
      );
    case Outcome.INFEASIBLE:
      return line(
        "no model qualifies: " +
          (response.relaxation
            ? relaxationSentence(response.relaxation)
            : "no single change of limits would help"),
      );
    case Outcome.ABSTAINED:
      return line(`abstained  the policy prefers not to choose; ${familiarity}`);
    default:
      return line("no outcome in the answer");
  }
}

function needs({ capabilities, difficulty }: RouteResponse): string {
  const mix = capabilities.map(({ capability, weight }) => `${capability} ${fixed(weight, 2)}`);
  const parts = mix.length > 0 ? [`needs ${mix.join(", ")}`] : [];
  if (difficulty !== undefined) parts.push(`difficulty ${fixed(difficulty, 2)}`);
  return parts.length > 0 ? line(parts.join("; ")) : "";
}

function candidates(response: RouteResponse): string {
  if (response.candidates.length === 0) return "";
  const columns = [
    { title: "#", isFigure: true },
    { title: "candidate" },
    { title: "success", isFigure: true },
    { title: "90 % interval", isFigure: true },
    { title: "cost USD", isFigure: true },
    { title: "latency ms", isFigure: true },
    { title: "output tokens", isFigure: true },
    { title: "utility", isFigure: true },
    { title: "evidence", isFigure: true },
    { title: "wins at tradeoff" },
  ];
  const rows = response.candidates.map((candidate, index) => [
    String(index + 1),
    candidate.model,
    fixed(candidate.successProbability, 3),
    interval(candidate.successInterval ?? { lower: 0, upper: 0 }),
    candidate.costUsd === undefined ? "unknown" : fixed(candidate.costUsd, 6),
    candidate.latencyMs === undefined ? "unknown" : fixed(candidate.latencyMs, 0),
    fixed(candidate.outputTokens, 0),
    fixed(candidate.utility, 4),
    fixed(candidate.effectiveEvidence, 1),
    candidate.tradeoffInterval ? interval(candidate.tradeoffInterval) : "",
  ]);
  return "\n" + textTable(columns, rows);
}

function interval({ lower, upper }: { lower: number; upper: number }): string {
  return `${fixed(lower, 2)} to ${fixed(upper, 2)}`;
}

function rejected(response: RouteResponse): string {
  if (response.rejected.length === 0) return "";
  const columns = [
    { title: "rejected" },
    { title: "why" },
    { title: "limit", isFigure: true },
    { title: "value", isFigure: true },
    { title: "detail" },
  ];
  const rows = response.rejected.map(({ model, reason, limit, value, detail }) => [
    model,
    words(RejectionReasonSchema, reason),
    limit === undefined ? "" : significant(limit),
    value === undefined ? "" : significant(value),
    oneLine(detail, maxTextCharacters),
  ]);
  return "\n" + textTable(columns, rows);
}

function degradations(response: RouteResponse): string {
  const lines = response.degradations.map(
    ({ kind, detail }) =>
      `${words(DegradationKindSchema, kind)}: ${oneLine(detail, 2 * maxTextCharacters)}`,
  );
  return section("weakened by", lines);
}

function evidence(response: RouteResponse): string {
  if (response.evidence.length === 0) return "";
  const columns = [
    { title: "evidence" },
    { title: "similarity", isFigure: true },
    { title: "weight", isFigure: true },
    { title: "capability" },
    { title: "difficulty", isFigure: true },
    { title: "outcomes", isFigure: true },
    { title: "text" },
  ];
  const rows = response.evidence.map((exemplar) => [
    exemplar.exemplarId,
    fixed(exemplar.similarity, 2),
    fixed(exemplar.weight, 3),
    exemplar.capability,
    exemplar.difficulty === undefined ? "" : fixed(exemplar.difficulty, 2),
    String(Object.keys(exemplar.outcomes).length || ""),
    oneLine(exemplar.text, maxTextCharacters),
  ]);
  return "\n" + textTable(columns, rows);
}

function rules(response: RouteResponse): string {
  return section("rules that fired", response.rulesFired);
}

function changes(response: RouteResponse): string {
  return section("what would change the decision", whatWouldChange(response));
}

function againstBaseline({ baseline, outcome }: RouteResponse): string {
  if (!baseline || outcome !== Outcome.CHOSEN) return "";
  const cost = baseline.costUsd === undefined ? "" : `, cost ${fixed(baseline.costUsd, 6)} USD`;
  return line(`always ${baseline.model}: success ${fixed(baseline.successProbability, 3)}${cost}`);
}

function origin({ provenance, decisionId, timings }: RouteResponse): string {
  if (!provenance) return "";
  const version = oneLine(provenance.bundleVersion, maxTextCharacters);
  const digest = provenance.bundleDigest.slice(0, digestCharacters);
  const parts = [`policy ${provenance.policy}`, `bundle ${version && version + " "}${digest}`];
  if (decisionId !== "") parts.push(`decision ${decisionId}`);
  if (provenance.explored) {
    parts.push(`explored with propensity ${fixed(provenance.explorationPropensity, 3)}`);
  }
  if (timings) parts.push(`${fixed(timings.totalUs, 0)} us`);
  return line(parts.join(", "));
}
