// The client for browsers, against a gRPC-Web server in this process.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  createWebClient,
  explain,
  Outcome,
  PointsmanError,
  RouterService,
} from "@pointsman/client/web";
import { BadRequestSchema } from "@pointsman/client/gen/google/rpc/error_details_pb.js";
import { deadTarget } from "./dead_target.js";

const hello = { input: { case: "text", value: "hello" } } as const;

async function serve(t: TestContext, routes: (router: ConnectRouter) => void): Promise<string> {
  const server = createServer(connectNodeAdapter({ routes, connect: false, grpc: false }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("routes, and ranks by itself when refused", async (t) => {
  const baseUrl = await serve(t, (router) => {
    router.service(RouterService, {
      route(request) {
        if (request.policy === "") return { outcome: Outcome.CHOSEN, model: "small", margin: 0.5 };
        const fieldViolations = [{ field: "policy", description: "no such policy" }];
        throw new ConnectError("no such policy", Code.InvalidArgument, undefined, [
          { desc: BadRequestSchema, value: { fieldViolations } },
        ]);
      },
    });
  });
  const client = createWebClient({ baseUrl });
  const routed = await client.routeOrDefault(hello, ["mine"]);
  assert.equal(routed.source, "router");
  assert.match(explain(routed), /^small {2}confidence/);

  const refused = await client.routeOrDefault({ ...hello, policy: "x" }, ["mine"]);
  assert.ok(refused.source === "default");
  assert.equal(refused.response.model, "mine");
  assert.equal(refused.routerError.code, "INVALID_ARGUMENT");
  assert.equal(refused.routerError.message, "no such policy");
  assert.deepEqual(refused.routerError.fieldViolations, [
    { field: "policy", problem: "no such policy" },
  ]);
  assert.deepEqual(client.defaultCounts(), {
    byRouter: 1,
    byDefault: 1,
    byDefaultPerCode: { INVALID_ARGUMENT: 1 },
  });
});

test("ends by its deadline, or when the caller says so", async (t) => {
  const baseUrl = await serve(t, (router) => {
    router.service(RouterService, {
      route: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(new ConnectError("gone", Code.Canceled));
          });
        }),
    });
  });
  const client = createWebClient({ baseUrl, deadlineMs: 100 });
  await assert.rejects(
    client.route(hello),
    (error) => error instanceof PointsmanError && error.code === "DEADLINE_EXCEEDED",
  );
  const controller = new AbortController();
  const reason = new Error("the user has left");
  setTimeout(() => {
    controller.abort(reason);
  }, 20);
  await assert.rejects(
    client.routeOrDefault(hello, ["mine"], { signal: controller.signal, deadlineMs: 20_000 }),
    (error) => error === reason,
  );
});

test("nobody there is UNAVAILABLE", async () => {
  const client = createWebClient({ baseUrl: `http://${await deadTarget()}` });
  const routed = await client.routeOrDefault(hello, ["mine"]);
  assert.ok(routed.source === "default");
  assert.equal(routed.routerError.code, "UNAVAILABLE");
});

test("options out of bounds are named", () => {
  assert.throws(() => createWebClient({ baseUrl: "router" }), {
    message: "baseUrl must be an absolute URL; it is `router`",
  });
  assert.throws(() => createWebClient({ baseUrl: "http://router", deadlineMs: 0 }), {
    message: /^the deadline must be > 0 ms/,
  });
});

test("reaches for nothing that browsers lack", () => {
  const seen = new Set([new URL("../../dist/web.js", import.meta.url).href]);
  const packages = new Set<string>();
  for (const url of seen) {
    for (const [, name = ""] of readFileSync(new URL(url), "utf8").matchAll(/ from "([^"]+)";/g)) {
      if (name.startsWith(".")) seen.add(new URL(name, url).href);
      else packages.add(name.split("/").slice(0, 2).join("/"));
    }
  }
  assert.deepEqual([...packages].sort(), [
    "@bufbuild/protobuf",
    "@connectrpc/connect",
    "@connectrpc/connect-web",
  ]);
});
