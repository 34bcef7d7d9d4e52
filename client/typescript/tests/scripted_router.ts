// A gRPC server in this process that answers as a test tells it to, and remembers what it was asked.
import { create, fromBinary, isMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import { type RouteRequest, RouteResponseSchema, RouterService } from "@pointsman/client";
import {
  BadRequestSchema,
  RetryInfoSchema,
} from "@pointsman/client/gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "@pointsman/client/gen/google/rpc/status_pb.js";

export { status };

export type Answer = MessageInitShape<typeof RouteResponseSchema> | Status | "silence";
export type Script = (request: RouteRequest, attempt: number) => Answer;

/** A status of a router, with the details that this API sends. */
export function refusal(
  code: number,
  message: string,
  { field, retryDelayMs }: { field?: string; retryDelayMs?: number } = {},
): Status {
  const details = [];
  if (field !== undefined) {
    const fieldViolations = [{ field, description: message }];
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (retryDelayMs !== undefined) {
    const seconds = BigInt(Math.floor(retryDelayMs / 1000));
    const retryDelay = { seconds, nanos: (retryDelayMs % 1000) * 1_000_000 };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return create(StatusSchema, { code, message, details });
}

const { route } = RouterService.method;

const service = {
  route: {
    path: `/${route.parent.typeName}/${route.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: RouteRequest) => Buffer.from(toBinary(route.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(route.input, bytes),
    responseSerialize: (init: MessageInitShape<typeof RouteResponseSchema>) =>
      Buffer.from(toBinary(route.output, create(route.output, init))),
    responseDeserialize: (bytes: Buffer) => fromBinary(route.output, bytes),
  },
  health: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} satisfies ServiceDefinition;

export class ScriptedRouter {
  attempts = 0;
  /** Of the last attempt. */
  metadata = new Metadata();
  cancelled = 0;
  isServing = true;
  readonly #server = new Server();
  #port = 0;

  get target(): string {
    return `127.0.0.1:${this.#port}`;
  }

  static async start(
    script: Script,
    credentials = ServerCredentials.createInsecure(),
  ): Promise<ScriptedRouter> {
    const router = new ScriptedRouter();
    router.#server.addService(service, {
      route: (
        call: ServerUnaryCall<RouteRequest, MessageInitShape<typeof RouteResponseSchema>>,
        respond: sendUnaryData<MessageInitShape<typeof RouteResponseSchema>>,
      ) => {
        router.attempts += 1;
        router.metadata = call.metadata;
        call.on("cancelled", () => (router.cancelled += 1));
        const answer = script(call.request, router.attempts);
        if (answer === "silence") return;
        if (isMessage(answer, StatusSchema)) {
          const metadata = new Metadata();
          metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, answer)));
          // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- proto3 has ints
          respond({ code: answer.code as status, details: answer.message, metadata });
        } else {
          respond(null, answer);
        }
      },
      health: (_: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
        respond(null, Buffer.from([0x08, router.isServing ? 1 : 2]));
      },
    });
    router.#port = await new Promise<number>((resolve, reject) => {
      router.#server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return router;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
