// Errors keep what the router said, and say it to people in one sentence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { PointsmanError, sentence } from "@pointsman/client";
import { refusal, status } from "./scripted_router.js";

test("the error of a batch item is read like that of a call", () => {
  const error = PointsmanError.fromStatus(
    refusal(status.RESOURCE_EXHAUSTED, "too many", { field: "text", retryDelayMs: 40 }),
  );
  assert.equal(error.code, "RESOURCE_EXHAUSTED");
  assert.equal(error.message, "too many");
  assert.deepEqual(error.fieldViolations, [{ field: "text", problem: "too many" }]);
  assert.equal(error.retryDelayMs, 40);
});

test("numbers that are no error code are UNKNOWN", () => {
  for (const code of [-1, 0, 17, 2_000_000_000]) {
    assert.equal(PointsmanError.fromStatus(refusal(code, "?")).code, "UNKNOWN");
  }
  assert.equal(PointsmanError.fromStatus(refusal(16, "?")).code, "UNAUTHENTICATED");
});

test("a garbled detail costs only itself", () => {
  const value = new Uint8Array([0xff, 0xff]);
  const typeUrl = "type.googleapis.com/google.rpc.BadRequest";
  const error = new PointsmanError("INTERNAL", "m", {
    details: [create(AnySchema, { typeUrl, value })],
  });
  assert.deepEqual(error.fieldViolations, []);
  assert.equal(error.retryDelayMs, undefined);
  assert.equal(error.details.length, 1);
});

test("a sentence names what failed, the fields and the delay", () => {
  assert.equal(
    sentence(PointsmanError.fromStatus(refusal(3, "no policy `x`", { field: "policy" }))),
    "the request is invalid: no policy `x`",
  );
  const details = refusal(8, "slow down", { field: "text", retryDelayMs: 40 }).details;
  assert.equal(
    sentence(new PointsmanError("RESOURCE_EXHAUSTED", "busy", { details })),
    "the router is at a limit: busy; text: slow down; try again in 40 ms",
  );
  assert.equal(
    sentence(new PointsmanError("UNAVAILABLE", "")),
    "the router cannot be reached or is not serving: no reason was given",
  );
  assert.equal(sentence(new PointsmanError("ABORTED", "x")), "the call failed (ABORTED): x");
});
