import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.pointsman.client.ConnectOptions;
import dev.pointsman.client.DefaultCounts;
import dev.pointsman.client.DefaultRanking;
import dev.pointsman.client.Explain;
import dev.pointsman.client.FieldViolation;
import dev.pointsman.client.PointsmanClient;
import dev.pointsman.client.PointsmanException;
import dev.pointsman.client.RetryOptions;
import dev.pointsman.client.Routed;
import dev.pointsman.client.Source;
import dev.pointsman.client.TlsOptions;
import dev.pointsman.v1.BatchRouteRequest;
import dev.pointsman.v1.Catalogue;
import dev.pointsman.v1.Model;
import dev.pointsman.v1.RouteRequest;
import dev.pointsman.v1.RouteResponse;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The conformance agent of the Java client: does what PROTOCOL.md says, one thread a command. */
final class Agent {
  private final Map<String, PointsmanClient> clients = new ConcurrentHashMap<>();
  private final PrintStream output = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  private Agent() {}

  public static void main(String[] arguments) throws Exception {
    new Agent().run();
  }

  /** To the end of standard input, and of everything begun. */
  private void run() throws IOException, InterruptedException {
    ExecutorService threads = Executors.newCachedThreadPool();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      if (text(command, "op").equals("connect")) {
        answer(command);
      } else {
        threads.execute(() -> answer(command));
      }
    }
    threads.shutdown();
    threads.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    clients.values().forEach(PointsmanClient::close);
  }

  private void answer(JsonObject command) {
    JsonObject answer;
    try {
      answer = perform(command);
      answer.addProperty("ok", true);
    } catch (PointsmanException e) {
      answer = error(e);
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      answer = error(failure(Status.Code.INVALID_ARGUMENT, e.getMessage()));
    } catch (IOException e) {
      answer = error(failure(Status.Code.NOT_FOUND, e.getMessage()));
    }
    answer.add("id", command.get("id"));
    synchronized (output) {
      output.print(answer + "\n");
      output.flush();
    }
  }

  private JsonObject perform(JsonObject command) throws IOException {
    switch (text(command, "op")) {
      case "connect" -> {
        ConnectOptions options = options(command.getAsJsonObject("options"));
        clients.put(text(command, "client"), PointsmanClient.connect(options));
        return new JsonObject();
      }
      case "close" -> {
        client(command).close();
        clients.remove(text(command, "client"));
        return new JsonObject();
      }
      case "route" -> {
        RouteRequest request = decode(RouteRequest.parser(), command.get("request"));
        PointsmanClient client = client(command);
        return response(
            deadline(command)
                .map(deadline -> client.route(request, deadline))
                .orElseGet(() -> client.route(request)));
      }
      case "batch_route" -> {
        BatchRouteRequest request = decode(BatchRouteRequest.parser(), command.get("request"));
        PointsmanClient client = client(command);
        return response(
            deadline(command)
                .map(deadline -> client.batchRoute(request, deadline))
                .orElseGet(() -> client.batchRoute(request)));
      }
      case "get_catalogue" -> {
        PointsmanClient client = client(command);
        return response(
            deadline(command).map(client::getCatalogue).orElseGet(client::getCatalogue));
      }
      case "check_health" -> {
        PointsmanClient client = client(command);
        return member(
            "health",
            deadline(command).map(client::checkHealth).orElseGet(client::checkHealth).name());
      }
      case "route_or_default" -> {
        return routed(routeOrDefault(command));
      }
      case "default_counts" -> {
        return counts(client(command).defaultCounts());
      }
      case "rank_from_catalogue" -> {
        return rankFromCatalogue(command);
      }
      case "explain" -> {
        return member(
            "text", Explain.text(decode(RouteResponse.parser(), command.get("response"))));
      }
      case "explain_routed" -> {
        return member("text", Explain.text(routeOrDefault(command)));
      }
      default -> throw failure(Status.Code.UNIMPLEMENTED, "no such op: " + text(command, "op"));
    }
  }

  private PointsmanClient client(JsonObject command) {
    PointsmanClient client = clients.get(text(command, "client"));
    if (client == null) {
      throw failure(Status.Code.FAILED_PRECONDITION, "no client of that name");
    }
    return client;
  }

  private Routed routeOrDefault(JsonObject command) throws IOException {
    PointsmanClient client = client(command);
    RouteRequest request = decode(RouteRequest.parser(), command.get("request"));
    List<Model> models = new ArrayList<>();
    for (JsonElement model : command.getAsJsonArray("ranking")) {
      models.add(decode(Model.parser(), model));
    }
    DefaultRanking ranking = new DefaultRanking(models);
    return deadline(command)
        .map(deadline -> client.routeOrDefault(request, ranking, deadline))
        .orElseGet(() -> client.routeOrDefault(request, ranking));
  }

  private static JsonObject rankFromCatalogue(JsonObject command) throws IOException {
    Catalogue catalogue = decode(Catalogue.parser(), command.get("catalogue"));
    List<String> ids = new ArrayList<>();
    command.getAsJsonArray("ids").forEach(id -> ids.add(id.getAsString()));
    JsonArray models = new JsonArray();
    DefaultRanking.fromCatalogue(catalogue, ids)
        .models()
        .forEach(model -> models.add(encode(model)));
    JsonObject answer = new JsonObject();
    answer.add("ranking", models);
    return answer;
  }

  private static ConnectOptions options(JsonObject json) throws IOException {
    ConnectOptions.Builder options = ConnectOptions.builder();
    given(json, "target").ifPresent(value -> options.target(value.getAsString()));
    given(json, "api_key").ifPresent(value -> options.apiKey(value.getAsString()));
    given(json, "allow_api_key_without_tls")
        .ifPresent(value -> options.allowApiKeyWithoutTls(value.getAsBoolean()));
    deadline(json).ifPresent(options::deadline);
    options.retry(retry(json));
    millis(json, "keepalive_interval_ms").ifPresent(options::keepaliveInterval);
    millis(json, "keepalive_timeout_ms").ifPresent(options::keepaliveTimeout);
    given(json, "balance_by_health")
        .ifPresent(value -> options.balanceByHealth(value.getAsBoolean()));
    given(json, "max_response_bytes")
        .ifPresent(value -> options.maxResponseBytes(value.getAsInt()));
    Optional<JsonElement> tls = given(json, "tls");
    if (tls.isPresent()) {
      options.tls(tls(tls.get().getAsJsonObject()));
    }
    return options.build();
  }

  private static RetryOptions retry(JsonObject json) {
    RetryOptions retry = RetryOptions.DEFAULT;
    return retry
        .withMaxAttempts(
            given(json, "max_attempts").map(JsonElement::getAsInt).orElse(retry.maxAttempts()))
        .withBackoff(
            millis(json, "initial_backoff_ms").orElse(retry.initialBackoff()),
            millis(json, "max_backoff_ms").orElse(retry.maxBackoff()),
            given(json, "backoff_multiplier")
                .map(JsonElement::getAsDouble)
                .orElse(retry.backoffMultiplier()));
  }

  private static TlsOptions tls(JsonObject json) throws IOException {
    TlsOptions.Builder tls = TlsOptions.builder();
    if (given(json, "ca_file").isPresent()) {
      tls.rootCertificates(Path.of(text(json, "ca_file")));
    }
    if (given(json, "certificate_file").isPresent()) {
      tls.certificateChain(Path.of(text(json, "certificate_file")));
    }
    if (given(json, "key_file").isPresent()) {
      tls.privateKey(Path.of(text(json, "key_file")));
    }
    given(json, "server_name").ifPresent(name -> tls.serverName(name.getAsString()));
    return tls.build();
  }

  private static JsonObject routed(Routed routed) {
    JsonObject answer = response(routed.response());
    answer.addProperty("source", routed.source() == Source.ROUTER ? "router" : "default");
    JsonArray limits = new JsonArray();
    routed.uncheckedLimits().forEach(limits::add);
    answer.add("unchecked_limits", limits);
    routed.routerError().ifPresent(e -> answer.add("router_error", error(e)));
    return answer;
  }

  private static JsonObject counts(DefaultCounts counts) {
    JsonObject perCode = new JsonObject();
    counts.byDefaultPerCode().forEach((code, count) -> perCode.addProperty(code.name(), count));
    JsonObject answer = new JsonObject();
    answer.addProperty("by_router", counts.byRouter());
    answer.addProperty("by_default", counts.byDefault());
    answer.add("by_default_per_code", perCode);
    return answer;
  }

  private static PointsmanException failure(Status.Code code, String message) {
    return PointsmanException.of(
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message).build());
  }

  private static JsonObject error(PointsmanException e) {
    JsonObject error = new JsonObject();
    error.addProperty("ok", false);
    error.addProperty("code", e.code().name());
    error.addProperty("message", e.status().getMessage());
    JsonArray violations = new JsonArray();
    for (FieldViolation violation : e.fieldViolations()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("field", violation.field());
      entry.addProperty("problem", violation.problem());
      violations.add(entry);
    }
    if (!violations.isEmpty()) {
      error.add("field_violations", violations);
    }
    e.retryDelay().ifPresent(delay -> error.addProperty("retry_delay_ms", delay.toMillis()));
    return error;
  }

  private static JsonObject response(Message message) {
    return member("response", encode(message));
  }

  private static JsonObject member(String name, String value) {
    JsonObject answer = new JsonObject();
    answer.addProperty(name, value);
    return answer;
  }

  private static String encode(Message message) {
    return Base64.getEncoder().encodeToString(message.toByteArray());
  }

  private static <T> T decode(Parser<T> parser, JsonElement base64)
      throws InvalidProtocolBufferException {
    return parser.parseFrom(Base64.getDecoder().decode(base64.getAsString()));
  }

  private static Optional<Duration> deadline(JsonObject json) {
    return millis(json, "deadline_ms");
  }

  private static Optional<Duration> millis(JsonObject json, String name) {
    return given(json, name).map(value -> Duration.ofMillis(value.getAsLong()));
  }

  private static String text(JsonObject json, String name) {
    return json.get(name).getAsString();
  }

  /** What is null counts as absent. */
  private static Optional<JsonElement> given(JsonObject json, String name) {
    return Optional.ofNullable(json.get(name)).filter(value -> !value.isJsonNull());
  }
}
