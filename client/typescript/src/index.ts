/**
 * Client of a Pointsman router over gRPC, for Node.js: typed calls with a deadline, retries, TLS and a
 * key, and a ranking of the caller's own for when no router answers.
 *
 *     const router = createClient();
 *     const request = { input: { case: "text", value: "Prove that 2 is prime." } } as const;
 *     const { response } = await router.routeOrDefault(request, ["my-default"]);
 *
 * @module
 */
export * from "./common.js";
export { type Client, createClient, type Health } from "./client.js";
export {
  type ClientOptions,
  defaultTarget,
  readTlsFiles,
  type RetryOptions,
  type TlsFiles,
  type TlsOptions,
} from "./options.js";
