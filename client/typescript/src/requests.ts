// Whether a call may be made as it is.
import type { BatchRouteRequest, RouteRequest } from "./gen/pointsman/v1/router_pb.js";
import { invalid } from "./errors.js";

/** Timers and sizes beyond it wrap around. */
export const maxInt32 = 2 ** 31 - 1;

/** Throws INVALID_ARGUMENT unless a call can end by this deadline. */
export function checkDeadline(deadlineMs: number): void {
  if (deadlineMs > 0 && deadlineMs <= maxInt32) return;
  throw invalid(`the deadline must be > 0 ms and <= ${maxInt32} ms; it is ${deadlineMs} ms`);
}

/**
 * Throws INVALID_ARGUMENT naming the field and the place where a text has half a surrogate pair: no
 * UTF-8 says that, and the encoder would silently put another character there.
 */
export function checkTexts(request: RouteRequest, prefix = ""): void {
  if (request.input.case === "text") checkText(`${prefix}text`, request.input.value);
  if (request.input.case !== "conversation") return;
  request.input.value.turns.forEach((turn, index) => {
    checkText(`${prefix}conversation.turns[${index}].content`, turn.content);
  });
}

/** The same for each request of a batch. */
export function checkBatchTexts(batch: BatchRouteRequest): void {
  batch.requests.forEach((request, index) => {
    checkTexts(request, `requests[${index}].`);
  });
}

function checkText(field: string, text: string): void {
  if (text.isWellFormed()) return;
  const at = text.search(/\p{Surrogate}/u);
  throw invalid(`${field}: must be well-formed; UTF-16 unit ${at} is half a surrogate pair`);
}
