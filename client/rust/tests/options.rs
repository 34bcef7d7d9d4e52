//! What may be asked of a connection.

use pointsman_client::{Client, ConnectError, ConnectOptions, RetryOptions, TlsOptions};
use std::path::Path;
use std::time::Duration;

fn problem(options: &ConnectOptions) -> String {
    options.validate().map_or_else(|error| error.to_string(), |()| String::new())
}

fn retry(retry: RetryOptions) -> ConnectOptions {
    ConnectOptions { retry, ..ConnectOptions::default() }
}

#[test]
fn the_defaults_hold() {
    let options = ConnectOptions::default();
    assert_eq!(problem(&options), "");
    assert_eq!(options.target, "127.0.0.1:7431");
    assert_eq!(options.deadline, Duration::from_secs(2));
    assert_eq!(options.retry.max_attempts, 4);
}

#[test]
fn what_is_out_of_bounds_is_named_with_bound_and_value() {
    let defaults = ConnectOptions::default;
    let cases = [
        (
            ConnectOptions { target: String::new(), ..defaults() },
            "the target must name a host and port; it is empty",
        ),
        (
            ConnectOptions { deadline: Duration::ZERO, ..defaults() },
            "the deadline must be > 0 ms; it is 0 ms",
        ),
        (
            ConnectOptions { keepalive_interval: Duration::ZERO, ..defaults() },
            "keepalive_interval must be > 0 ms; it is 0 ms",
        ),
        (
            ConnectOptions { max_response_bytes: 0, ..defaults() },
            "max_response_bytes must be > 0; it is 0",
        ),
        (
            retry(RetryOptions { max_attempts: 6, ..Default::default() }),
            "retry.max_attempts must be 1 to 5; it is 6",
        ),
        (
            retry(RetryOptions { max_attempts: 0, ..Default::default() }),
            "retry.max_attempts must be 1 to 5; it is 0",
        ),
        (
            retry(RetryOptions { max_backoff: Duration::from_millis(20), ..Default::default() }),
            "retry needs 0 < initial_backoff <= max_backoff and a multiplier > 0; they are 50ms, \
             20ms and 2",
        ),
        (
            retry(RetryOptions { backoff_multiplier: f64::NAN, ..Default::default() }),
            "retry needs 0 < initial_backoff <= max_backoff and a multiplier > 0; they are 50ms, \
             1s and NaN",
        ),
        (
            ConnectOptions {
                tls: Some(TlsOptions { private_key_pem: "x".into(), ..Default::default() }),
                ..defaults()
            },
            "a client certificate and its private key must be given together; one is empty",
        ),
        (
            ConnectOptions { api_key: "two\nlines".into(), ..defaults() },
            "the API key must be visible ASCII characters; it holds others",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(problem(&options), expected);
    }
}

#[test]
fn a_key_leaves_this_host_only_under_tls() {
    let mut options = ConnectOptions {
        target: "router.example:7431".into(),
        api_key: "k".into(),
        ..ConnectOptions::default()
    };
    assert_eq!(
        problem(&options),
        "an API key would be sent to router.example:7431 in plaintext; use TLS, or \
         allow_api_key_without_tls where a proxy encrypts"
    );
    options.allow_api_key_without_tls = true;
    assert_eq!(problem(&options), "");
    options.allow_api_key_without_tls = false;
    options.tls = Some(TlsOptions::default());
    assert_eq!(problem(&options), "");
    options.tls = None;
    options.target = "localhost:7431".into();
    assert_eq!(problem(&options), "");
}

#[test]
fn secrets_are_not_in_debugging_output() {
    let options = ConnectOptions {
        api_key: "key-of-mine".into(),
        tls: Some(TlsOptions { private_key_pem: "pem-of-mine".into(), ..TlsOptions::default() }),
        ..ConnectOptions::default()
    };
    let text = format!("{options:?}");
    assert!(text.contains("hidden") && !text.contains("of-mine"), "{text}");
}

#[test]
fn files_are_read_and_one_that_is_missing_is_named() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let tls = TlsOptions::from_files(Some(&manifest), None, None).unwrap();
    assert!(tls.root_certificates_pem.contains("pointsman-client"));
    assert_eq!(tls.private_key_pem, "");
    let error = TlsOptions::from_files(None, Some(Path::new("no/such.pem")), None).unwrap_err();
    assert!(matches!(error, ConnectError::File { .. }));
    assert!(error.to_string().starts_with("cannot read no/such.pem as a PEM file: "));
}

#[test]
fn a_client_outside_a_runtime_is_refused() {
    let error = Client::new(ConnectOptions::default()).unwrap_err();
    assert!(matches!(error, ConnectError::NoRuntime), "{error}");
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    let tls = TlsOptions {
        certificate_chain_pem: "no certificate".into(),
        private_key_pem: "no key".into(),
        ..TlsOptions::default()
    };
    let options = ConnectOptions { tls: Some(tls), ..ConnectOptions::default() };
    let error = Client::new(options).unwrap_err();
    assert!(error.to_string().starts_with("target and tls must make a connection"), "{error}");
}
