// Errors of a router, nothing lost: code, message and every google.rpc detail.
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";

// The place of a name is its number.
const codeNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** Name of the gRPC status code of an error. */
export type Code = Exclude<(typeof codeNames)[number], "OK">;

/** The name of a gRPC status code; UNKNOWN where no error has that number. */
export function codeName(code: number): Code {
  const name = codeNames[code];
  return name === undefined || name === "OK" ? "UNKNOWN" : name;
}

/** A field of the request and what is wrong with it: its bound and its value. */
export interface FieldViolation {
  readonly field: string;
  readonly problem: string;
}

/**
 * Why a call failed, or why an option or a request cannot be used. The message is the router's own;
 * `cause` is the error of the transport, where one is behind it.
 */
export class PointsmanError extends Error {
  override readonly name = "PointsmanError";
  readonly code: Code;
  /** What the router objected to; empty unless it sent a google.rpc.BadRequest. */
  readonly fieldViolations: readonly FieldViolation[];
  /**
   * Milliseconds to wait before trying again, >= 0; undefined unless the router sent a
   * google.rpc.RetryInfo.
   */
  readonly retryDelayMs: number | undefined;
  /** Every google.rpc detail as it came. */
  readonly details: readonly Any[];

  constructor(
    code: Code,
    message: string,
    options: { cause?: unknown; details?: readonly Any[] } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? [];
    const violations = detailOf(BadRequestSchema, this.details)?.fieldViolations ?? [];
    this.fieldViolations = violations.map(({ field, description }) => ({
      field,
      problem: description,
    }));
    const delay = detailOf(RetryInfoSchema, this.details)?.retryDelay;
    this.retryDelayMs = delay && Number(delay.seconds) * 1000 + Math.trunc(delay.nanos / 1_000_000);
  }

  /** The error of an item of a batch. */
  static fromStatus(status: Status): PointsmanError {
    return new PointsmanError(codeName(status.code), status.message, { details: status.details });
  }
}

/** INVALID_ARGUMENT. */
export function invalid(problem: string, options: { cause?: unknown } = {}): PointsmanError {
  return new PointsmanError("INVALID_ARGUMENT", problem, options);
}

/** A google.rpc detail from its type name and bytes. */
export function makeDetail(typeName: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${typeName}`, value });
}

function detailOf<Desc extends DescMessage>(
  schema: Desc,
  details: readonly Any[],
): MessageShape<Desc> | undefined {
  for (const detail of details) {
    try {
      const message = anyUnpack(detail, schema);
      if (message) return message;
    } catch {
      // A detail that cannot be read is one that was not sent: code and message still stand.
    }
  }
  return undefined;
}

// What the code means to somebody who does not know gRPC.
function lead(code: Code): string {
  switch (code) {
    case "INVALID_ARGUMENT":
      return "the request is invalid: ";
    case "UNAVAILABLE":
      return "the router cannot be reached or is not serving: ";
    case "DEADLINE_EXCEEDED":
      return "the router did not answer in time: ";
    case "RESOURCE_EXHAUSTED":
      return "the router is at a limit: ";
    case "UNAUTHENTICATED":
      return "the router wants a valid API key: ";
    case "PERMISSION_DENIED":
      return "the router does not permit this: ";
    case "UNIMPLEMENTED":
      return "the server does not offer this call (is it a Pointsman router?): ";
    default:
      return `the call failed (${code}): `;
  }
}

/** One sentence for people: what failed, the fields at fault, when to try again. */
export function sentence(error: PointsmanError): string {
  const parts = error.message === "" ? [] : [error.message];
  for (const { field, problem } of error.fieldViolations) {
    if (!error.message.includes(problem)) parts.push(`${field}: ${problem}`);
  }
  if (parts.length === 0) parts.push("no reason was given");
  if (error.retryDelayMs !== undefined) {
    parts.push(`try again in ${error.retryDelayMs} ms`);
  }
  return lead(error.code) + parts.join("; ");
}
