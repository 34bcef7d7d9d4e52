// What both entry points offer.
export * from "./gen/pointsman/v1/catalogue_pb.js";
export * from "./gen/pointsman/v1/policy_pb.js";
export * from "./gen/pointsman/v1/router_pb.js";
export {
  decideByDefault,
  type DefaultDecision,
  type DefaultRanking,
  rankFromCatalogue,
  rankIds,
} from "./default_ranking.js";
export { type Code, type FieldViolation, PointsmanError, sentence } from "./errors.js";
export { explain, type ExplainOptions } from "./explain.js";
export type { CallOptions, DefaultCounts, Routed, RouterClient } from "./router_client.js";
export { version } from "./version.js";
