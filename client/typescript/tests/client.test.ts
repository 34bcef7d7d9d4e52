// Calls against a scripted server: retries, deadlines, errors, the caller's own ranking.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import {
  type ClientOptions,
  createClient,
  Outcome,
  PointsmanError,
  version,
} from "@pointsman/client";
import { deadTarget } from "./dead_target.js";
import { refusal, type Script, ScriptedRouter, status } from "./scripted_router.js";

const hello = { input: { case: "text", value: "hello" } } as const;
const chosen = { outcome: Outcome.CHOSEN, model: "small" };
const quickly = { initialBackoffMs: 1, maxBackoffMs: 2 };

/** A scripted router and a client of it, both gone when the test ends. */
async function connected(t: TestContext, script: Script, options: ClientOptions = {}) {
  const router = await ScriptedRouter.start(script);
  const client = createClient({
    target: router.target,
    deadlineMs: 20_000, // a crowded machine is no failure
    retry: quickly,
    ...options,
  });
  t.after(() => {
    client.close();
    router.stop();
  });
  return { router, client };
}

/** Waits until something has come true, at most 10 s. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `not within 10 s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The error that a call must end with. */
async function errorOf(call: Promise<unknown>): Promise<PointsmanError> {
  const error = await call.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PointsmanError, String(error));
  return error;
}

test("a decision comes as the router made it", async (t) => {
  const { client } = await connected(t, (request) => ({
    ...chosen,
    correlationId: request.correlationId,
    inputTokens: 9_007_199_254_740_993n,
  }));
  const response = await client.route({ ...hello, correlationId: "c-1" });
  assert.equal(response.model, "small");
  assert.equal(response.correlationId, "c-1");
  assert.equal(response.inputTokens, 9_007_199_254_740_993n); // beyond 2^53
});

test("UNAVAILABLE is retried until it succeeds", async (t) => {
  const { router, client } = await connected(t, (_, attempt) =>
    attempt <= 2 ? refusal(status.UNAVAILABLE, "draining") : chosen,
  );
  assert.equal((await client.route(hello)).model, "small");
  assert.equal(router.attempts, 3);
});

test("no more attempts are made than allowed", async (t) => {
  for (const [maxAttempts, expected] of [
    [undefined, 4],
    [2, 2],
    [1, 1],
  ] as const) {
    const retry = { ...quickly, maxAttempts };
    const script = () => refusal(status.UNAVAILABLE, "draining");
    const { router, client } = await connected(t, script, { retry });
    assert.equal((await errorOf(client.route(hello))).code, "UNAVAILABLE");
    assert.equal(router.attempts, expected);
  }
});

test("nothing but UNAVAILABLE is retried", async (t) => {
  for (const code of [status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.INTERNAL]) {
    const { router, client } = await connected(t, () => refusal(code, "no"));
    assert.equal((await errorOf(client.route(hello))).code, status[code]);
    assert.equal(router.attempts, 1);
  }
});

test("the deadline covers all attempts", async (t) => {
  const { router, client } = await connected(t, () => refusal(status.UNAVAILABLE, "draining"), {
    retry: { initialBackoffMs: 10_000, maxBackoffMs: 10_000 },
  });
  await client.checkHealth(); // so that connecting does not count
  const begin = performance.now();
  const error = await errorOf(client.route(hello, { deadlineMs: 500 }));
  assert.equal(error.code, "DEADLINE_EXCEEDED");
  assert.ok(performance.now() - begin < 5000);
  assert.equal(router.attempts, 1);
});

test("a client's own deadline holds for calls that name none", async (t) => {
  const { client } = await connected(t, () => "silence", { deadlineMs: 50 });
  assert.equal((await errorOf(client.route(hello))).code, "DEADLINE_EXCEEDED");
  for (const deadlineMs of [0, -1, NaN, Infinity]) {
    const error = await errorOf(client.route(hello, { deadlineMs }));
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.match(error.message, new RegExp(`deadline must be > 0 ms .* it is ${deadlineMs} ms`));
  }
});

test("an error keeps message, field violations and retry delay", async (t) => {
  const { client } = await connected(t, () =>
    refusal(status.INVALID_ARGUMENT, "no policy `x`", { field: "policy", retryDelayMs: 1250 }),
  );
  const error = await errorOf(client.route(hello));
  assert.equal(error.message, "no policy `x`");
  assert.deepEqual(error.fieldViolations, [{ field: "policy", problem: "no policy `x`" }]);
  assert.equal(error.retryDelayMs, 1250);
  assert.equal(error.details.length, 2);
  assert.ok(error.cause instanceof Error);
});

test("the caller's signal ends a call with its reason", async (t) => {
  const { router, client } = await connected(t, () => "silence");
  const reason = new Error("the user has left");
  const early = client.route(hello, { signal: AbortSignal.abort(reason) });
  await assert.rejects(early, (error) => error === reason);
  assert.equal(router.attempts, 0);
  const controller = new AbortController();
  const late = client.routeOrDefault(hello, ["mine"], { signal: controller.signal });
  await until(() => router.attempts === 1);
  controller.abort(reason);
  await assert.rejects(late, (error) => error === reason);
  assert.equal(client.defaultCounts().byDefault, 0);
  await until(() => router.cancelled === 1);
});

test("key and user agent are sent", async (t) => {
  const { router, client } = await connected(t, () => chosen, { apiKey: "secret" });
  await client.route(hello);
  assert.deepEqual(router.metadata.get("authorization"), ["Bearer secret"]);
  assert.match(String(router.metadata.get("user-agent")), /^pointsman-typescript\/0\.1\.0 /);
});

test("a response above maxResponseBytes is refused", async (t) => {
  const script = () => ({ ...chosen, correlationId: "x".repeat(2000) });
  const { client } = await connected(t, script, { maxResponseBytes: 1000 });
  assert.equal((await errorOf(client.route(hello))).code, "RESOURCE_EXHAUSTED");
});

test("what cannot be encoded is the caller's error", async (t) => {
  const { router, client } = await connected(t, () => chosen);
  const tooLarge = await errorOf(client.route({ ...hello, maxCandidates: 2 ** 40 }));
  assert.equal(tooLarge.code, "INVALID_ARGUMENT");
  assert.match(tooLarge.message, /max_candidates/);
  const halves = await errorOf(
    client.batchRoute({
      requests: [
        hello,
        { input: { case: "conversation", value: { turns: [{ content: "a\ud800" }] } } },
      ],
    }),
  );
  assert.equal(halves.code, "INVALID_ARGUMENT");
  assert.match(halves.message, /^requests\[1\]\.conversation\.turns\[0\]\.content: .* unit 1 /);
  assert.equal(router.attempts, 0);
});

test("health is asked once, whatever it is", async (t) => {
  const { router, client } = await connected(t, () => chosen);
  assert.equal(await client.checkHealth(), "SERVING");
  router.isServing = false;
  assert.equal(await client.checkHealth(), "NOT_SERVING");
});

test("routeOrDefault hands on what the router decided", async (t) => {
  const { client } = await connected(t, () => chosen);
  const routed = await client.routeOrDefault(hello, ["mine"]);
  assert.equal(routed.source, "router");
  assert.equal(routed.response.model, "small");
  assert.deepEqual(client.defaultCounts(), { byRouter: 1, byDefault: 0, byDefaultPerCode: {} });
});

test("routeOrDefault decides by the caller's ranking, labelled and counted", async (t) => {
  const { client } = await connected(t, () => refusal(status.INVALID_ARGUMENT, "no model `old`"));
  const limits = { maxCostUsd: 0.01 };
  const routed = await client.routeOrDefault({ ...hello, limits }, ["mine"]);
  assert.ok(routed.source === "default");
  assert.equal(routed.response.model, "mine");
  assert.equal(routed.routerError.message, "no model `old`");
  assert.deepEqual(routed.uncheckedLimits, ["limits.max_cost_usd"]);
  await client.routeOrDefault(hello, ["mine"], { deadlineMs: -1 });
  client.close();
  await client.routeOrDefault(hello, ["mine"]);
  assert.deepEqual(client.defaultCounts(), {
    byRouter: 0,
    byDefault: 3,
    byDefaultPerCode: { INVALID_ARGUMENT: 2, UNAVAILABLE: 1 },
  });
});

test("without a router the default comes well before the deadline", async (t) => {
  const client = createClient({ target: await deadTarget(), deadlineMs: 20_000, retry: quickly });
  t.after(() => {
    client.close();
  });
  const begin = performance.now();
  const routed = await client.routeOrDefault(hello, ["mine"]);
  assert.ok(routed.source === "default");
  assert.equal(routed.routerError.code, "UNAVAILABLE");
  assert.ok(performance.now() - begin < 10_000);
});

test("many calls share one client", async (t) => {
  const { client } = await connected(t, (request) => ({
    ...chosen,
    correlationId: request.correlationId,
  }));
  const ids = Array.from({ length: 200 }, (_, index) => String(index));
  const responses = await Promise.all(
    ids.map((correlationId) => client.route({ ...hello, correlationId }, { deadlineMs: 20_000 })),
  );
  assert.deepEqual(
    responses.map((response) => response.correlationId),
    ids,
  );
});

test("the version is the package's", () => {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  assert.equal((JSON.parse(manifest) as { version: string }).version, version);
});
