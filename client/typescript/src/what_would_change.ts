// What would change a decision: the tradeoff, more evidence, or other limits.
import {
  Outcome,
  type Rejection,
  RejectionReason,
  type Relaxation,
  type RouteResponse,
} from "./gen/pointsman/v1/router_pb.js";
import { fixed, significant } from "./text_table.js";

// Below this a runner-up is not worth a sentence.
const minDoubt = 0.005;

/** One sentence each, without a full stop; empty where nothing is known to change it. */
export function whatWouldChange(response: RouteResponse): string[] {
  return [
    response.relaxation && relaxationSentence(response.relaxation),
    tradeoffSentence(response),
    marginSentence(response),
    ...response.rejected.map(limitSentence),
  ].filter((sentence) => sentence !== undefined);
}

/** "raise limits.max_cost_usd from 0.001 to 0.0042 and model-x qualifies". */
export function relaxationSentence({ field, current, needed, model, detail }: Relaxation): string {
  if (needed === undefined) {
    // Without a detail the model's value is unknown, so no number would do.
    return detail === ""
      ? `drop ${field} and ${model} qualifies`
      : `drop \`${detail}\` from ${field} and ${model} qualifies`;
  }
  const change = current === undefined || needed >= current ? "raise" : "lower";
  const from = current === undefined ? "" : ` from ${significant(current)}`;
  const to = admittingLimit(needed, current ?? 0);
  return `${change} ${field}${from} to ${to} and ${model} qualifies`;
}

// A limit that admits `value`, short enough to be typed: rounded away from `limit`, since one that is
// rounded towards it would just miss.
function admittingLimit(value: number, limit: number): string {
  if (value === 0) return "0";
  const scale = 10 ** (3 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Math.round(value * scale) / scale;
  const upwards = value > limit;
  if (upwards ? rounded >= value : rounded <= value) return significant(rounded);
  return significant(rounded + (upwards ? 1 : -1) / scale);
}

// Who wins in which part of 0..1: "0.00 to 0.31 a, 0.31 to 0.80 b (this choice), 0.80 to 1.00 c".
function tradeoffSentence(response: RouteResponse): string | undefined {
  const winners = response.candidates
    .flatMap(({ model, tradeoffInterval }) =>
      tradeoffInterval ? [{ model, ...tradeoffInterval }] : [],
    )
    .sort((a, b) => a.lower - b.lower);
  const [only, second] = winners;
  if (!only) return undefined;
  if (!second) {
    return (
      `${only.model} has the best value at every tradeoff from ${fixed(only.lower, 2)} to ` +
      fixed(only.upper, 2)
    );
  }
  const parts = winners.map(
    ({ model, lower, upper }) =>
      `${fixed(lower, 2)} to ${fixed(upper, 2)} ${model}` +
      (model === response.model ? " (this choice)" : ""),
  );
  return `best value by tradeoff (0 = quality only, 1 = cost only): ${parts.join(", ")}`;
}

function marginSentence(response: RouteResponse): string | undefined {
  const runnerUp = response.candidates.find(({ model }) => model !== response.model);
  const doubt = 1 - response.margin;
  if (response.outcome !== Outcome.CHOSEN || !runnerUp || doubt < minDoubt) return undefined;
  return (
    `more evidence: with a probability of ${fixed(doubt, 2)} the runner-up ${runnerUp.model} is ` +
    "really the better choice"
  );
}

// What the model lacks first; a model may lack more, so it is not said to be admitted then.
function limitSentence({ model, reason, limit, value }: Rejection): string | undefined {
  const field = limitField(reason);
  if (field === undefined) return undefined;
  if (limit === undefined || value === undefined) {
    return `${model} needs ${field} dropped: its own value is unknown`;
  }
  return `${model} needs ${field} at ${admittingLimit(value, limit)} instead of ${significant(limit)}`;
}

// The field of the request that a rejection for this reason is about.
function limitField(reason: RejectionReason): string | undefined {
  switch (reason) {
    case RejectionReason.CONTEXT_TOO_SMALL:
    case RejectionReason.CONTEXT_UNKNOWN:
      return "requirements.context_tokens";
    case RejectionReason.COST_ABOVE_LIMIT:
    case RejectionReason.COST_UNKNOWN:
      return "limits.max_cost_usd";
    case RejectionReason.LATENCY_ABOVE_LIMIT:
    case RejectionReason.LATENCY_UNKNOWN:
      return "limits.max_latency_ms";
    case RejectionReason.SUCCESS_BELOW_LIMIT:
      return "limits.min_success_probability";
    default:
      return undefined;
  }
}
