//! A gRPC target -> the addresses that it names -> channels, which take turns.

use crate::options::{ConnectError, ConnectOptions, TlsOptions, invalid};
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};

/// gRPC gives a connection that much time; without a bound, an address that swallows packets would
/// be waited for by every later call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an address that could not be reached is left out, where there are others.
const REST: Duration = Duration::from_secs(1);

/// One place where a router listens.
#[derive(Debug)]
pub(crate) enum Address {
    /// `host:port`.
    Tcp(Uri),
    /// A path.
    Unix(String),
}

impl Address {
    /// At least one.
    pub(crate) fn parse_target(target: &str) -> Result<Vec<Self>, ConnectError> {
        if target.is_empty() {
            return Err(invalid("the target must name a host and port; it is empty"));
        }
        if let Some(path) = target.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(vec![Self::Unix(path.to_owned())]);
        }
        ["dns:///", "dns:", "ipv4:", "ipv6:"]
            .iter()
            .find_map(|scheme| target.strip_prefix(scheme))
            .unwrap_or(target)
            .split(',')
            .map(|address| {
                Uri::builder()
                    .scheme("http")
                    .authority(address)
                    .path_and_query("/")
                    .build()
                    .map(Self::Tcp)
                    .map_err(|_| {
                        invalid(format!(
                            "the target must be host:port, dns:///name:port, ipv4:address:port, \
                             ipv6:[address]:port or unix:/path; it is `{target}`"
                        ))
                    })
            })
            .collect()
    }

    /// Whether what is sent there stays on this host.
    pub(crate) fn is_same_host(&self) -> bool {
        let Self::Tcp(uri) = self else { return true };
        let host = uri.host().unwrap_or_default();
        let ip = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    fn endpoint(&self, tls: bool) -> Result<Endpoint, tonic::transport::Error> {
        match self {
            Self::Unix(path) => Endpoint::from_shared(format!("unix:{path}")),
            Self::Tcp(uri) => {
                let scheme = if tls { "https" } else { "http" };
                let authority = uri.authority().map_or("", |authority| authority.as_str());
                Endpoint::from_shared(format!("{scheme}://{authority}"))
            }
        }
    }
}

/// The channels to all addresses of a target. They take turns, but for those that rest.
pub(crate) struct Channels {
    channels: Vec<(Channel, AtomicU64)>,
    next: AtomicUsize,
    created: Instant,
}

impl Channels {
    /// Does not connect; must be called within a Tokio runtime.
    pub(crate) fn new(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let channels = Address::parse_target(&options.target)?
            .iter()
            .map(|address| Ok((channel(address, options)?, AtomicU64::new(0))))
            .collect::<Result<_, ConnectError>>()?;
        Ok(Self { channels, next: AtomicUsize::new(0), created: Instant::now() })
    }

    /// The next channel in turn that does not rest, else the next one; with its number.
    pub(crate) fn pick(&self) -> (usize, Channel) {
        let count = self.channels.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let now = self.milliseconds();
        let number = (first..first + count)
            .map(|number| number % count)
            .find(|&number| self.channels[number].1.load(Ordering::Relaxed) <= now)
            .unwrap_or(first);
        (number, self.channels[number].0.clone())
    }

    /// Tells that no answer came from this channel.
    pub(crate) fn rest(&self, number: usize) {
        let until = self.milliseconds() + u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
        self.channels[number].1.store(until, Ordering::Relaxed);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn channel(address: &Address, options: &ConnectOptions) -> Result<Channel, ConnectError> {
    let configured = |endpoint: Endpoint| {
        let endpoint = endpoint
            .user_agent(concat!("pointsman-rust/", env!("CARGO_PKG_VERSION")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(options.keepalive_interval)
            .keep_alive_timeout(options.keepalive_timeout)
            .keep_alive_while_idle(true);
        match &options.tls {
            Some(tls) => endpoint.tls_config(tls_config(tls)),
            None => Ok(endpoint),
        }
    };
    address
        .endpoint(options.tls.is_some())
        .and_then(configured)
        .map(|endpoint| endpoint.connect_lazy())
        .map_err(|error| {
            // tonic's own text is "transport error"; what is wrong is in its source.
            let cause = error.source().map_or(error.to_string(), ToString::to_string);
            invalid(format!(
                "target and tls must make a connection; {} and the given certificates do not: {cause}",
                options.target
            ))
        })
}

fn tls_config(tls: &TlsOptions) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new();
    config = if tls.root_certificates_pem.is_empty() {
        config.with_native_roots()
    } else {
        config.ca_certificate(Certificate::from_pem(&tls.root_certificates_pem))
    };
    if !tls.certificate_chain_pem.is_empty() {
        config =
            config.identity(Identity::from_pem(&tls.certificate_chain_pem, &tls.private_key_pem));
    }
    if !tls.server_name.is_empty() {
        config = config.domain_name(&tls.server_name);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_host(target: &str) -> bool {
        let addresses = Address::parse_target(target).unwrap();
        addresses.iter().all(Address::is_same_host)
    }

    #[test]
    fn targets_of_this_host_are_known() {
        for target in [
            "127.0.0.1:7431",
            "localhost:7431",
            "dns:///LocalHost:7431",
            "ipv4:127.0.0.1:1,127.0.0.2:2",
            "ipv6:[::1]:7431",
            "[::1]:7431",
            "unix:/run/pointsman.sock",
        ] {
            assert!(same_host(target), "{target}");
        }
    }

    #[test]
    fn other_targets_are_not_of_this_host() {
        for target in [
            "router.example:7431",
            "127.0.0.1.example:7431",
            "localhost.example:7431",
            "ipv4:127.0.0.1:1,10.0.0.1:2",
            "ipv6:[2001:db8::1]:7431",
        ] {
            assert!(!same_host(target), "{target}");
        }
    }

    #[test]
    fn a_target_with_a_scheme_of_the_web_is_refused() {
        let problem = Address::parse_target("http://127.0.0.1:7431").unwrap_err();
        assert!(problem.to_string().contains("must be host:port"), "{problem}");
    }

    #[tokio::test]
    async fn channels_take_turns_but_for_those_that_rest() {
        let channels = Channels::new(&ConnectOptions {
            target: "ipv4:127.0.0.1:1,127.0.0.1:2,127.0.0.1:3".into(),
            ..ConnectOptions::default()
        })
        .unwrap();
        let numbers = |count: usize| (0..count).map(|_| channels.pick().0).collect::<Vec<_>>();
        assert_eq!(numbers(4), [0, 1, 2, 0]);
        channels.rest(1);
        assert_eq!(numbers(3), [2, 2, 0]);
        channels.rest(0);
        channels.rest(2);
        assert_eq!(numbers(3), [1, 2, 0]);
    }
}
