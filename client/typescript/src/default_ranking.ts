// What a caller falls back on when no router answers: its own list of models, best first.
//
// It knows nothing of the query, so it promises little: a model that the request's own requirements
// allow, or none. What it cannot check is named, never assumed.
import { create } from "@bufbuild/protobuf";
import { type Catalogue, type Model, ModelSchema } from "./gen/pointsman/v1/catalogue_pb.js";
import type { Limits } from "./gen/pointsman/v1/policy_pb.js";
import {
  CandidateSchema,
  Outcome,
  type Rejection,
  RejectionReason,
  RejectionSchema,
  RequirementsSchema,
  type RouteRequest,
  type RouteResponse,
  RouteResponseSchema,
} from "./gen/pointsman/v1/router_pb.js";
import { invalid } from "./errors.js";

/**
 * Best first. An id is enough; a model's features, tags and context window let requirements be
 * checked. A request that requires a feature, a tag or a context window rejects a mere id, since
 * what is unknown never satisfies a requirement.
 */
export type DefaultRanking = readonly (string | Model)[];

/** The decision of a default ranking. */
export interface DefaultDecision {
  /**
   * CHOSEN with the first model that meets the requirements, or INFEASIBLE. Candidates and
   * rejections are filled in; confidence, margin, familiarity and every estimate stay 0, the
   * decision id and the provenance empty: nothing was estimated.
   */
  readonly response: RouteResponse;
  /** Hard limits of the request that need an estimate, such as "limits.max_cost_usd": not checked. */
  readonly uncheckedLimits: readonly string[];
}

/** Models of which only the id is known, in the order of `ids`. */
export function rankIds(ids: readonly string[]): Model[] {
  return ids.map((id) => create(ModelSchema, { id }));
}

/**
 * The models of a catalogue (fetched earlier) with these ids, in their order. Throws
 * INVALID_ARGUMENT naming the id that the catalogue does not have.
 */
export function rankFromCatalogue(catalogue: Catalogue, ids: readonly string[]): Model[] {
  const models = new Map(catalogue.models.map((model) => [model.id, model]));
  return ids.map((id) => {
    const model = models.get(id);
    if (!model) throw invalid(`the catalogue has no model \`${id}\``);
    return model;
  });
}

/** Pure: the same ranking and request give the same decision. */
export function decideByDefault(ranking: DefaultRanking, request: RouteRequest): DefaultDecision {
  const response = create(RouteResponseSchema, { correlationId: request.correlationId });
  for (const entry of ranking) {
    const model = typeof entry === "string" ? create(ModelSchema, { id: entry }) : entry;
    const rejection = check(request, model);
    if (rejection) response.rejected.push(rejection);
    else response.candidates.push(create(CandidateSchema, { model: model.id }));
  }
  response.outcome = response.candidates.length > 0 ? Outcome.CHOSEN : Outcome.INFEASIBLE;
  response.model = response.candidates[0]?.model ?? "";
  return { response, uncheckedLimits: uncheckedLimits(request.limits) };
}

// In the order of the enum, as the router does.
function check(request: RouteRequest, model: Model): Rejection | undefined {
  const requirements = request.requirements ?? create(RequirementsSchema);
  const reject = (reason: RejectionReason, detail = "") =>
    create(RejectionSchema, { model: model.id, reason, detail });
  if (requirements.allowModels.length > 0 && !requirements.allowModels.includes(model.id)) {
    return reject(RejectionReason.NOT_ALLOWED);
  }
  if (requirements.denyModels.includes(model.id)) return reject(RejectionReason.DENIED);
  const feature = requirements.features.find((name) => !model.features.includes(name));
  if (feature !== undefined) return reject(RejectionReason.MISSING_FEATURE, feature);
  const tag = requirements.tags.find((name) => !model.tags.includes(name));
  if (tag !== undefined) return reject(RejectionReason.MISSING_TAG, tag);
  return checkContext(request, model);
}

function checkContext(request: RouteRequest, model: Model): Rejection | undefined {
  const needed = contextNeeded(request);
  if (needed === undefined) return undefined;
  const rejection = create(RejectionSchema, { model: model.id, limit: Number(needed) });
  if (model.contextWindowTokens !== undefined) {
    if (model.contextWindowTokens >= needed) return undefined;
    rejection.reason = RejectionReason.CONTEXT_TOO_SMALL;
    rejection.value = Number(model.contextWindowTokens);
    return rejection;
  }
  if (request.requirements?.contextTokens === undefined) return undefined;
  rejection.reason = RejectionReason.CONTEXT_UNKNOWN;
  return rejection;
}

// Tokens that must fit; undefined where the request gives nothing to go by.
function contextNeeded(request: RouteRequest): bigint | undefined {
  if (request.requirements?.contextTokens !== undefined) return request.requirements.contextTokens;
  if (request.inputTokens === undefined) return undefined;
  return request.inputTokens + (request.expectedOutputTokens ?? 0n);
}

function uncheckedLimits(limits: Limits | undefined): string[] {
  const names: string[] = [];
  if (limits?.maxCostUsd !== undefined) names.push("limits.max_cost_usd");
  if (limits?.maxLatencyMs !== undefined) names.push("limits.max_latency_ms");
  if (limits?.minSuccessProbability !== undefined) names.push("limits.min_success_probability");
  return names;
}
