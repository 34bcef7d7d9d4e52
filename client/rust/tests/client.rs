//! The client against a router that does what a test says, over real sockets.

mod support;

use pointsman_client::v1::{
    BatchRouteRequest, BatchRouteResult, Limits, RouteRequest, RouteResponse,
};
use pointsman_client::{
    Client, Code, ConnectOptions, DefaultRanking, Error, Health, RetryOptions, Source, TlsOptions,
    explain_routed,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{ScriptedRouter, chosen, dead_address};
use tonic::Status;

fn connect(router: &ScriptedRouter) -> Client {
    connect_to(&router.target())
}

fn connect_to(target: &str) -> Client {
    Client::new(options(target)).unwrap()
}

/// Short waits between attempts.
fn options(target: &str) -> ConnectOptions {
    ConnectOptions {
        target: target.into(),
        retry: RetryOptions {
            initial_backoff: Duration::from_millis(5),
            ..RetryOptions::default()
        },
        ..ConnectOptions::default()
    }
}

async fn route(client: &Client) -> Result<RouteResponse, Error> {
    client.route(&"hello".into()).await
}

#[tokio::test]
async fn a_decision_comes_back() {
    let router = ScriptedRouter::start(|_, _| Ok(chosen("a"))).await;
    assert_eq!(route(&connect(&router)).await.unwrap().model, "a");
}

#[tokio::test]
async fn clones_and_tasks_share_one_client() {
    let router = ScriptedRouter::start(|_, request| {
        Ok(RouteResponse { correlation_id: request.correlation_id.clone(), ..chosen("a") })
    })
    .await;
    let client = connect(&router);
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let request = RouteRequest {
                    correlation_id: format!("{number}"),
                    ..RouteRequest::from("hello")
                };
                client.route(&request).await.unwrap().correlation_id
            })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), format!("{number}"));
    }
    assert_eq!(router.calls(), 50);
}

#[tokio::test]
async fn key_user_agent_and_time_left_are_sent() {
    let router = ScriptedRouter::start(|_, _| Ok(chosen("a"))).await;
    let client =
        Client::new(ConnectOptions { api_key: "secret".into(), ..options(&router.target()) })
            .unwrap();
    route(&client).await.unwrap();
    let sent = &router.metadata()[0];
    let text = |name: &str| sent.get(name).unwrap().to_str().unwrap();
    assert_eq!(text("authorization"), "Bearer secret");
    assert!(text("user-agent").starts_with("pointsman-rust/0.1.0 "));
    let timeout = text("grpc-timeout");
    let microseconds: u64 = timeout.strip_suffix('u').unwrap().parse().unwrap();
    assert!((1_500_000..=2_000_000).contains(&microseconds), "{timeout}");
    assert!(sent.get("grpc-previous-rpc-attempts").is_none());
}

#[tokio::test]
async fn unavailable_is_tried_again() {
    let router = ScriptedRouter::start(|call, _| match call {
        1 | 2 => Err(Status::unavailable("starting")),
        _ => Ok(chosen("a")),
    })
    .await;
    assert_eq!(route(&connect(&router)).await.unwrap().model, "a");
    let attempts: Vec<_> = router
        .metadata()
        .iter()
        .map(|sent| {
            sent.get("grpc-previous-rpc-attempts").map(|value| value.to_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(attempts, [None, Some("1".into()), Some("2".into())]);
}

#[tokio::test]
async fn unavailable_is_tried_four_times_in_all() {
    let router = ScriptedRouter::start(|_, _| Err(Status::unavailable("draining"))).await;
    let error = route(&connect(&router)).await.unwrap_err();
    assert_eq!(error, Error::new(Code::Unavailable, "draining"));
    assert_eq!(router.calls(), 4);
}

#[tokio::test]
async fn nothing_else_is_tried_again() {
    for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
        let router = ScriptedRouter::start(move |_, _| Err(Status::new(code, "no"))).await;
        assert_eq!(route(&connect(&router)).await, Err(Error::new(code, "no")));
        assert_eq!(router.calls(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn the_server_can_forbid_another_attempt_or_ask_for_a_wait() {
    let refuse = |pushback: &'static str| {
        move |call, _: &RouteRequest| {
            if call > 1 {
                return Ok(chosen("a"));
            }
            let mut status = Status::unavailable("busy");
            let value = pushback.parse().unwrap();
            status.metadata_mut().insert("grpc-retry-pushback-ms", value);
            Err(status)
        }
    };
    let forbids = ScriptedRouter::start(refuse("-1")).await;
    assert_eq!(route(&connect(&forbids)).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(forbids.calls(), 1);
    let asks = ScriptedRouter::start(refuse("200")).await;
    let begin = Instant::now();
    route(&connect(&asks)).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn one_deadline_covers_all_attempts() {
    let router = ScriptedRouter::start(|_, _| Err(Status::unavailable("starting"))).await;
    let client = Client::new(ConnectOptions {
        deadline: Duration::from_millis(150),
        retry: RetryOptions {
            initial_backoff: Duration::from_millis(100),
            ..RetryOptions::default()
        },
        ..options(&router.target())
    })
    .unwrap();
    let begin = Instant::now();
    let error = route(&client).await.unwrap_err();
    assert!((150..1000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert_eq!(
        error,
        Error::new(
            Code::DeadlineExceeded,
            "the deadline of 150 ms passed; the last attempt ended UNAVAILABLE: starting"
        )
    );
    assert_eq!(router.calls(), 2);
}

#[tokio::test]
async fn a_router_that_is_silent_is_waited_for_until_the_deadline() {
    let router = ScriptedRouter::start_slow(Duration::from_secs(30)).await;
    let client = connect(&router).with_deadline(Duration::from_millis(100));
    let begin = Instant::now();
    let error = route(&client).await.unwrap_err();
    assert!((100..1000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert_eq!(error.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_deadline_of_nothing_is_refused() {
    let error = route(&connect_to(&dead_address()).with_deadline(Duration::ZERO)).await;
    let message = "the deadline must be > 0 ms; it is 0 ms";
    assert_eq!(error, Err(Error::new(Code::InvalidArgument, message)));
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_says_why() {
    let error = route(&connect_to(&dead_address())).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("refused"), "{error}");
}

#[tokio::test]
async fn addresses_take_turns_and_one_that_is_gone_is_left_out() {
    let a = ScriptedRouter::start(|_, _| Ok(chosen("a"))).await;
    let b = ScriptedRouter::start(|_, _| Ok(chosen("b"))).await;
    let client = connect_to(&format!("ipv4:{},{},{}", a.target(), dead_address(), b.target()));
    for _ in 0..12 {
        route(&client).await.unwrap();
    }
    assert_eq!(a.calls() + b.calls(), 12);
    assert!(a.calls() >= 4 && b.calls() >= 4, "{} and {}", a.calls(), b.calls());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let router = ScriptedRouter::start(|_, _| Ok(chosen(&"x".repeat(2000)))).await;
    let client =
        Client::new(ConnectOptions { max_response_bytes: 1000, ..options(&router.target()) })
            .unwrap();
    let error = route(&client).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.message().contains("max_response_bytes"), "{error}");
}

#[tokio::test]
async fn a_batch_keeps_the_errors_of_its_items() {
    let router = ScriptedRouter::start(|_, request| match request.policy.as_str() {
        "odd" => Err(Status::invalid_argument("policy: no policy `odd`")),
        _ => Ok(chosen("a")),
    })
    .await;
    let odd = RouteRequest { policy: "odd".into(), ..RouteRequest::default() };
    let requests = vec!["hello".into(), odd];
    let response = connect(&router).batch_route(&BatchRouteRequest { requests }).await.unwrap();
    let [first, second] = response.results.try_into().unwrap();
    assert_eq!(first.into_result().unwrap().model, "a");
    assert_eq!(
        second.into_result(),
        Err(Error::new(Code::InvalidArgument, "policy: no policy `odd`"))
    );
    assert!(BatchRouteResult::default().into_result().is_err());
}

#[tokio::test]
async fn the_catalogue_comes_back() {
    let router = ScriptedRouter::start(|_, _| Ok(chosen("a"))).await;
    let catalogue = connect(&router).get_catalogue().await.unwrap();
    assert_eq!(catalogue.bundle_digest, "d1");
}

#[tokio::test]
async fn health_is_told() {
    let router = ScriptedRouter::start(|_, _| Ok(chosen("a"))).await;
    let client = connect(&router);
    assert_eq!(client.check_health().await, Ok(Health::Serving));
    router.set_serving(false);
    assert_eq!(client.check_health().await, Ok(Health::NotServing));
    let nobody = connect_to(&dead_address()).check_health().await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_default_answers_when_no_router_does() {
    let client = connect_to(&dead_address());
    let request = RouteRequest {
        limits: Some(Limits { max_cost_usd: Some(0.01), ..Limits::default() }),
        ..RouteRequest::from("hello")
    };
    let routed = client.route_or_default(&request, &DefaultRanking::from_ids(["mine"])).await;
    assert_eq!(routed.response.model, "mine");
    let Source::DefaultRanking { router_error, unchecked_limits } = &routed.source else {
        panic!("a router decided: {routed:?}");
    };
    assert_eq!(router_error.code(), Code::Unavailable);
    assert_eq!(unchecked_limits, &["limits.max_cost_usd"]);
    let text = explain_routed(&routed);
    assert!(
        text.starts_with("the caller's default ranking, no router decided: the router"),
        "{text}"
    );
    assert!(text.ends_with("\n  not checked: limits.max_cost_usd\nmine\n"), "{text}");
}

#[tokio::test]
async fn decisions_are_counted_by_who_made_them() {
    let router = ScriptedRouter::start(|call, _| match call {
        2 | 3 => Err(Status::invalid_argument("no")),
        4 => Err(Status::resource_exhausted("full")),
        _ => Ok(chosen("a")),
    })
    .await;
    let client = connect(&router);
    let ranking = DefaultRanking::from_ids(["mine"]);
    let mut models = Vec::new();
    for _ in 0..5 {
        let routed = client.clone().route_or_default(&"hello".into(), &ranking).await;
        models.push(routed.response.model);
    }
    assert_eq!(models, ["a", "mine", "mine", "mine", "a"]);
    let counts = client.default_counts();
    assert_eq!((counts.by_router, counts.by_default), (2, 3));
    let expected = [(Code::InvalidArgument, 2), (Code::ResourceExhausted, 1)];
    assert_eq!(counts.by_default_per_code, expected.into());
}

#[tokio::test]
async fn mutual_tls_checks_both_names() {
    let server = support::certificate("router.test");
    let client = support::certificate("client.test");
    let router = ScriptedRouter::start_tls(&server, &client).await;
    let tls = TlsOptions {
        root_certificates_pem: server.cert.pem(),
        certificate_chain_pem: client.cert.pem(),
        private_key_pem: client.signing_key.serialize_pem(),
        server_name: "router.test".into(),
    };
    let call = async |tls: TlsOptions| {
        let client = Client::new(ConnectOptions { tls: Some(tls), ..options(&router.target()) });
        route(&client.unwrap()).await.map_err(|error| error.code())
    };
    assert_eq!(call(tls.clone()).await.unwrap().model, "secure");
    let another_name = TlsOptions { server_name: "other.test".into(), ..tls.clone() };
    assert_eq!(call(another_name).await, Err(Code::Unavailable));
    let no_identity =
        TlsOptions { certificate_chain_pem: String::new(), private_key_pem: String::new(), ..tls };
    assert_eq!(call(no_identity).await, Err(Code::Unavailable));
    assert_eq!(router.calls(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_counts_nowhere() {
    let router = ScriptedRouter::start_slow(Duration::from_secs(30)).await;
    let client = Arc::new(connect(&router));
    let ranking = DefaultRanking::from_ids(["mine"]);
    let request = RouteRequest::from("hello");
    let call = client.route_or_default(&request, &ranking);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!(client.default_counts(), Default::default());
}
