// The client of a router over gRPC, for Node.js.
import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type Client as Channel, Metadata, type ServiceError } from "@grpc/grpc-js";
import { makeChannel } from "./channel.js";
import { codeName, invalid, PointsmanError } from "./errors.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { type ClientOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { checkDeadline } from "./requests.js";
import { type CallOptions, RouterClient } from "./router_client.js";

/** NOT_SERVING: starting or draining. */
export type Health = "SERVING" | "NOT_SERVING";

/** A router reached over gRPC; made by `createClient`. */
export class Client extends RouterClient {
  readonly #wire: Wire;
  readonly #deadlineMs: number;

  /** For `createClient`, which checks the options. */
  constructor(options: ResolvedOptions) {
    const wire = new Wire(options);
    super(
      (method, request, call) =>
        wire.send(
          `/${method.parent.typeName}/${method.name}`,
          encode(method, request),
          (bytes) => fromBinary(method.output, bytes),
          call,
        ),
      options.deadlineMs,
    );
    this.#wire = wire;
    this.#deadlineMs = options.deadlineMs;
  }

  /** The standard gRPC health service, asked once for the server as a whole. */
  async checkHealth({ deadlineMs = this.#deadlineMs, signal }: CallOptions = {}): Promise<Health> {
    checkDeadline(deadlineMs);
    signal?.throwIfAborted();
    try {
      const path = "/grpc.health.v1.Health/Check";
      const call = { deadlineMs, signal };
      return await this.#wire.send(path, new Uint8Array(), readHealth, call);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  /**
   * Ends the connections. Calls after it reject with UNAVAILABLE. Not needed before the process
   * ends: an idle client does not keep it alive.
   */
  close(): void {
    this.#wire.close();
  }
}

/**
 * A client of the router at `options.target`. Does not wait for the router: the first call connects.
 * Throws PointsmanError INVALID_ARGUMENT naming the option that is out of bounds.
 */
export function createClient(options: ClientOptions = {}): Client {
  return new Client(resolveOptions(options));
}

type WireCall = Required<{ [Key in keyof CallOptions]: CallOptions[Key] }> & { deadlineMs: number };

// A channel that carries bytes, with the caller's key.
class Wire {
  readonly #channel: Channel;
  readonly #apiKey: string;
  #closed = false;

  constructor(options: ResolvedOptions) {
    this.#channel = makeChannel(options);
    this.#apiKey = options.apiKey;
  }

  send<Response>(
    path: string,
    request: Uint8Array,
    parse: (bytes: Uint8Array) => Response,
    { deadlineMs, signal }: WireCall,
  ): Promise<Response> {
    if (this.#closed) {
      return Promise.reject(new PointsmanError("UNAVAILABLE", "the client is closed"));
    }
    const metadata = new Metadata();
    if (this.#apiKey !== "") metadata.set("authorization", `Bearer ${this.#apiKey}`);
    return new Promise((resolve, reject) => {
      const call = this.#channel.makeUnaryRequest(
        path,
        asBuffer,
        parse,
        request,
        metadata,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          signal?.removeEventListener("abort", cancel);
          if (error) reject(fromServiceError(error));
          else resolve(response as Response);
        },
      );
      const cancel = () => {
        call.cancel();
      };
      signal?.addEventListener("abort", cancel);
    });
  }

  close(): void {
    this.#closed = true;
    this.#channel.close();
  }
}

function encode<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  request: MessageShape<Input>,
): Uint8Array {
  try {
    return toBinary(method.input, request);
  } catch (cause) {
    // It names the field and the value, such as an int32 that is none.
    throw invalid(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Health messages are one field each, so a reader does for them.
function readHealth(response: Uint8Array): Health {
  const statusField = 1;
  const serving = 1;
  const reader = new BinaryReader(response);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === statusField) return reader.int32() === serving ? "SERVING" : "NOT_SERVING";
    reader.skip(wireType, field);
  }
  return "NOT_SERVING";
}

function fromServiceError(error: ServiceError): PointsmanError {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  // The trailer of the call is the authority; the detail blob only repeats code and message.
  return new PointsmanError(codeName(error.code), error.details, {
    cause: error,
    details: bytes instanceof Buffer ? readDetails(bytes) : [],
  });
}

function readDetails(bytes: Uint8Array) {
  try {
    return fromBinary(StatusSchema, bytes).details;
  } catch {
    return []; // code and message still stand
  }
}
