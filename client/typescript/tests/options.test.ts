// Each option has its bounds, and a refusal names option, bound and value.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, createClient, PointsmanError, readTlsFiles } from "@pointsman/client";

function refusalOf(options: ClientOptions): string {
  try {
    createClient(options).close();
  } catch (error) {
    assert.ok(error instanceof PointsmanError);
    assert.equal(error.code, "INVALID_ARGUMENT");
    return error.message;
  }
  return "";
}

test("the defaults are valid, and absent options are as if not given", () => {
  assert.equal(refusalOf({}), "");
  assert.equal(refusalOf({ target: undefined, apiKey: undefined, retry: {}, tls: {} }), "");
});

test("what is out of bounds is named", () => {
  const cases: [ClientOptions, RegExp][] = [
    [{ target: "" }, /^the target must name a host and port; it is empty$/],
    [{ target: "router\n:7431" }, /^the target router\n:7431 cannot be used: /],
    [{ deadlineMs: 0 }, /^the deadline must be > 0 ms .*; it is 0 ms$/],
    [{ deadlineMs: NaN }, /it is NaN ms$/],
    [{ deadlineMs: 2 ** 31 }, /it is 2147483648 ms$/],
    [{ retry: { maxAttempts: 0 } }, /^retry\.maxAttempts must be 1 to 5; it is 0$/],
    [{ retry: { maxAttempts: 6 } }, /it is 6$/],
    [{ retry: { maxAttempts: 1.5 } }, /it is 1\.5$/],
    [{ retry: { initialBackoffMs: 0 } }, /^retry needs 0 < initialBackoffMs <= maxBackoffMs/],
    [{ retry: { initialBackoffMs: 2000 } }, /^retry needs/],
    [{ retry: { backoffMultiplier: 0 } }, /^retry needs/],
    [{ retry: { backoffMultiplier: NaN } }, /^retry needs/],
    [{ keepaliveIntervalMs: 0 }, /^keepaliveIntervalMs must be .* from 1 to 2147483647; it is 0$/],
    [{ keepaliveTimeoutMs: -5 }, /^keepaliveTimeoutMs must be .*; it is -5$/],
    [{ maxResponseBytes: 0.5 }, /^maxResponseBytes must be .*; it is 0\.5$/],
    [{ tls: { privateKey: "PEM" } }, /must be given together; one is empty$/],
    [{ tls: { certificateChain: "PEM", privateKey: "" } }, /must be given together/],
    [{ tls: { certificateChain: "no", privateKey: "PEM" } }, /^tls: the certificates or the key/],
  ];
  for (const [options, expected] of cases) assert.match(refusalOf(options), expected);
});

test("bounds themselves are allowed", () => {
  assert.equal(refusalOf({ deadlineMs: 2 ** 31 - 1, maxResponseBytes: 1 }), "");
  assert.equal(refusalOf({ retry: { maxAttempts: 5 } }), "");
  assert.equal(refusalOf({ retry: { maxAttempts: 1, initialBackoffMs: 7, maxBackoffMs: 7 } }), "");
});

test("a key does not leave this host in plaintext", () => {
  const local = [
    "127.0.0.1:7431",
    "localhost:7431",
    "dns:///localhost:1",
    "[::1]:1",
    "unix:/run/p",
  ];
  for (const target of local) assert.equal(refusalOf({ target, apiKey: "key" }), "");
  const remote = [
    "router:7431",
    "dns:///router:7431",
    "127.0.0.1.example.org:7431",
    "localhost.example.org:7431",
    "ipv4:127.0.0.1:7431,192.0.2.1:7431",
  ];
  for (const target of remote) {
    const expected = `an API key would be sent to ${target} in plaintext; use TLS, or`;
    assert.ok(refusalOf({ target, apiKey: "key" }).startsWith(expected), target);
    assert.equal(refusalOf({ target, apiKey: "" }), "");
  }
  assert.equal(refusalOf({ target: "router:1", apiKey: "key", tls: {} }), "");
  assert.equal(refusalOf({ target: "router:1", apiKey: "key", allowApiKeyWithoutTls: true }), "");
});

test("a key that no header can carry is refused without being shown", () => {
  const refusal = refusalOf({ apiKey: "s3cret\n" });
  assert.match(refusal, /character 7 of 7 is not/);
  assert.doesNotMatch(refusal, /s3cret/);
});

test("a PEM file that cannot be read is named", () => {
  assert.throws(
    () => readTlsFiles({ rootCertificates: "/nowhere/ca.crt" }),
    (error) =>
      error instanceof PointsmanError &&
      error.code === "NOT_FOUND" &&
      error.message === "cannot read /nowhere/ca.crt as a PEM file",
  );
});
