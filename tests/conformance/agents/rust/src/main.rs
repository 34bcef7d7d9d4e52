//! The conformance agent of the Rust client: does what PROTOCOL.md says, one task a command.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pointsman_client::v1::{BatchRouteRequest, Catalogue, Model, RouteRequest, RouteResponse};
use pointsman_client::{
    Client, Code, ConnectError, ConnectOptions, DefaultRanking, Error, Health, Source, TlsOptions,
    code_name, explain, explain_routed,
};
use prost::Message;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

type Clients = Mutex<HashMap<String, Client>>;
/// The members of an answer beside `id` and `ok`, or an error.
type Answer = Result<Map<String, Value>, Error>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let clients = Arc::new(Clients::default());
    let mut running = JoinSet::new();
    // Reading blocks this thread alone: commands run on the others.
    for line in io::stdin().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        if command["op"] == "connect" {
            let answer = connect(&clients, &command);
            write(&command, answer)?;
            continue;
        }
        let clients = Arc::clone(&clients);
        running.spawn(async move {
            let answer = run(&clients, &command).await;
            write(&command, answer)
        });
    }
    while let Some(finished) = running.join_next().await {
        finished??;
    }
    Ok(())
}

fn write(command: &Value, answer: Answer) -> io::Result<()> {
    let mut line = answer.map_or_else(
        |error| error_members(&error),
        |mut members| {
            members.insert("ok".into(), true.into());
            members
        },
    );
    line.insert("id".into(), command["id"].clone());
    let mut output = io::stdout().lock();
    writeln!(output, "{}", Value::Object(line))?;
    output.flush()
}

async fn run(clients: &Clients, command: &Value) -> Answer {
    let op = text(command, "op");
    match op {
        "explain" => {
            let response: RouteResponse = decode(&command["response"])?;
            return Ok(members([("text", explain(&response).into())]));
        }
        "rank_from_catalogue" => return rank_from_catalogue(command),
        "close" => {
            clients.lock().unwrap().remove(text(command, "client"));
            return Ok(Map::new());
        }
        _ => {}
    }
    let client = clients.lock().unwrap().get(text(command, "client")).cloned();
    let mut client = client
        .ok_or_else(|| Error::new(Code::FailedPrecondition, "there is no client of that name"))?;
    if let Some(deadline) = milliseconds(command, "deadline_ms") {
        client = client.with_deadline(deadline);
    }
    match op {
        "route" => {
            let request: RouteRequest = decode(&command["request"])?;
            client.route(&request).await.map(|response| message("response", &response))
        }
        "batch_route" => {
            let request: BatchRouteRequest = decode(&command["request"])?;
            client.batch_route(&request).await.map(|response| message("response", &response))
        }
        "get_catalogue" => {
            client.get_catalogue().await.map(|response| message("response", &response))
        }
        "check_health" => {
            let health = match client.check_health().await? {
                Health::Serving => "SERVING",
                Health::NotServing => "NOT_SERVING",
            };
            Ok(members([("health", health.into())]))
        }
        "default_counts" => Ok(default_counts(&client)),
        "route_or_default" | "explain_routed" => route_or_default(&client, command, op).await,
        _ => Err(Error::new(Code::Unimplemented, format!("there is no op `{op}`"))),
    }
}

fn connect(clients: &Clients, command: &Value) -> Answer {
    let client = options(&command["options"]).and_then(Client::new).map_err(|error| {
        let code = match error {
            ConnectError::File { .. } => Code::NotFound,
            _ => Code::InvalidArgument,
        };
        Error::new(code, error.to_string())
    })?;
    clients.lock().unwrap().insert(text(command, "client").to_owned(), client);
    Ok(Map::new())
}

/// `balance_by_health` is not among them: this client has no such option.
fn options(json: &Value) -> Result<ConnectOptions, ConnectError> {
    let mut options = ConnectOptions::default();
    let read = |name: &str, option: &mut Duration| {
        *option = milliseconds(json, name).unwrap_or(*option);
    };
    read("deadline_ms", &mut options.deadline);
    read("initial_backoff_ms", &mut options.retry.initial_backoff);
    read("max_backoff_ms", &mut options.retry.max_backoff);
    read("keepalive_interval_ms", &mut options.keepalive_interval);
    read("keepalive_timeout_ms", &mut options.keepalive_timeout);
    if let Some(target) = json["target"].as_str() {
        options.target = target.into();
    }
    options.api_key = text(json, "api_key").into();
    options.allow_api_key_without_tls =
        json["allow_api_key_without_tls"].as_bool().unwrap_or_default();
    if let Some(attempts) = json["max_attempts"].as_i64() {
        options.retry.max_attempts = attempts.try_into().unwrap_or(0);
    }
    if let Some(multiplier) = json["backoff_multiplier"].as_f64() {
        options.retry.backoff_multiplier = multiplier;
    }
    if let Some(bytes) = json["max_response_bytes"].as_i64() {
        options.max_response_bytes = bytes.try_into().unwrap_or(0);
    }
    if let Some(tls) = json.get("tls") {
        let file = |name| tls[name].as_str().map(Path::new);
        options.tls = Some(TlsOptions {
            server_name: text(tls, "server_name").into(),
            ..TlsOptions::from_files(file("ca_file"), file("certificate_file"), file("key_file"))?
        });
    }
    Ok(options)
}

fn rank_from_catalogue(command: &Value) -> Answer {
    let catalogue: Catalogue = decode(&command["catalogue"])?;
    let ids = list(command, "ids").iter().filter_map(Value::as_str);
    let ranking = DefaultRanking::from_catalogue(&catalogue, ids)
        .map_err(|error| Error::new(Code::InvalidArgument, error.to_string()))?;
    let models: Vec<String> = ranking.models.iter().map(encode).collect();
    Ok(members([("ranking", models.into())]))
}

fn default_counts(client: &Client) -> Map<String, Value> {
    let counts = client.default_counts();
    let per_code: Map<String, Value> = counts
        .by_default_per_code
        .iter()
        .map(|(code, count)| (code_name(*code).to_owned(), (*count).into()))
        .collect();
    members([
        ("by_router", counts.by_router.into()),
        ("by_default", counts.by_default.into()),
        ("by_default_per_code", per_code.into()),
    ])
}

async fn route_or_default(client: &Client, command: &Value, op: &str) -> Answer {
    let request: RouteRequest = decode(&command["request"])?;
    let models: Vec<Model> =
        list(command, "ranking").iter().map(decode).collect::<Result<_, _>>()?;
    let routed = client.route_or_default(&request, &models.into()).await;
    if op == "explain_routed" {
        return Ok(members([("text", explain_routed(&routed).into())]));
    }
    let mut answer = message("response", &routed.response);
    answer.extend(match &routed.source {
        Source::Router => members([("source", "router".into()), ("unchecked_limits", json!([]))]),
        Source::DefaultRanking { router_error, unchecked_limits } => members([
            ("source", "default".into()),
            ("unchecked_limits", unchecked_limits.as_slice().into()),
            ("router_error", error_members(router_error).into()),
        ]),
    });
    Ok(answer)
}

fn error_members(error: &Error) -> Map<String, Value> {
    let mut answer = members([
        ("ok", false.into()),
        ("code", code_name(error.code()).into()),
        ("message", error.message().into()),
    ]);
    let violations: Vec<Value> = error
        .field_violations()
        .iter()
        .map(|violation| json!({"field": violation.field, "problem": violation.problem}))
        .collect();
    if !violations.is_empty() {
        answer.insert("field_violations".into(), violations.into());
    }
    if let Some(delay) = error.retry_delay().and_then(|delay| u64::try_from(delay.as_millis()).ok())
    {
        answer.insert("retry_delay_ms".into(), delay.into());
    }
    answer
}

fn members<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn message(name: &str, message: &impl Message) -> Map<String, Value> {
    members([(name, encode(message).into())])
}

fn encode(message: &impl Message) -> String {
    BASE64_STANDARD.encode(message.encode_to_vec())
}

fn decode<M: Message + Default>(base64: &Value) -> Result<M, Error> {
    let bytes = base64.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
    bytes
        .and_then(|bytes| M::decode(bytes.as_slice()).ok())
        .ok_or_else(|| Error::new(Code::InvalidArgument, "the command holds no message in base64"))
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}

/// What is negative is 0 here, which the client refuses as it would refuse the negative.
fn milliseconds(object: &Value, name: &str) -> Option<Duration> {
    let count = object[name].as_i64()?;
    Some(Duration::from_millis(count.try_into().unwrap_or(0)))
}
