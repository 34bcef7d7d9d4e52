//! How a client reaches a router: plain values with defaults that suit a sidecar on the same host,
//! read once, by [`Client::new`](crate::Client::new).

use crate::address::Address;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a router listens unless told otherwise.
pub const DEFAULT_TARGET: &str = "127.0.0.1:7431";

/// As gRPC has it everywhere: more attempts only make an outage worse.
const MAX_ATTEMPTS: u32 = 5;

/// Why no client was made: every sentence names the option, its bound and its value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An option is out of its bounds.
    #[error("{0}")]
    Option(String),
    /// A file of [`TlsOptions::from_files`] cannot be read.
    #[error("cannot read {} as a PEM file: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// [`Client::new`](crate::Client::new) was called outside a Tokio runtime.
    #[error("a client needs a Tokio runtime; create it within one")]
    NoRuntime,
}

/// The certificates of a connection with TLS, all in PEM. The default trusts the system's roots.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// Who may vouch for the router. Empty: the roots of the system.
    pub root_certificates_pem: String,
    /// With `private_key_pem`: the client's own identity (mTLS).
    pub certificate_chain_pem: String,
    /// The key of `certificate_chain_pem`.
    pub private_key_pem: String,
    /// Name the router's certificate must carry. Empty: the target's host.
    pub server_name: String,
}

impl TlsOptions {
    /// Reads PEM files; what is `None` is left empty.
    ///
    /// # Errors
    /// [`ConnectError::File`] names the file that cannot be read.
    pub fn from_files(
        root_certificates: Option<&Path>,
        certificate_chain: Option<&Path>,
        private_key: Option<&Path>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            root_certificates_pem: read_pem(root_certificates)?,
            certificate_chain_pem: read_pem(certificate_chain)?,
            private_key_pem: read_pem(private_key)?,
            server_name: String::new(),
        })
    }
}

fn read_pem(path: Option<&Path>) -> Result<String, ConnectError> {
    path.map_or(Ok(String::new()), |path| {
        std::fs::read_to_string(path)
            .map_err(|source| ConnectError::File { path: path.to_owned(), source })
    })
}

impl fmt::Debug for TlsOptions {
    /// Without the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("root_certificates_pem", &self.root_certificates_pem)
            .field("certificate_chain_pem", &self.certificate_chain_pem)
            .field("private_key_pem", &Hidden(&self.private_key_pem))
            .field("server_name", &self.server_name)
            .finish()
    }
}

/// A secret in debugging output: whether there is one, and no more.
struct Hidden<'a>(&'a str);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "hidden" })
    }
}

/// When a call is tried again. Only `UNAVAILABLE` is: it says that the request was not worked on,
/// or that another replica should be asked. An overloaded router (`RESOURCE_EXHAUSTED`) is left
/// alone.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryOptions {
    /// 1 to 5, the first one included; 1: no retry.
    pub max_attempts: u32,
    /// Wait before the second attempt, > 0. Each wait is multiplied by a random 0.8 to 1.2.
    pub initial_backoff: Duration,
    /// No wait is longer, before that random factor; >= `initial_backoff`.
    pub max_backoff: Duration,
    /// How much longer each wait is than the one before, > 0.
    pub backoff_multiplier: f64,
}

impl Default for RetryOptions {
    /// 4 attempts after 50, 100 and 200 ms.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            initial_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
            backoff_multiplier: 2.0,
        }
    }
}

/// How a client reaches a router.
///
/// ```
/// # use pointsman_client::ConnectOptions;
/// let options = ConnectOptions { target: "router.internal:7431".into(), ..Default::default() };
/// ```
#[derive(Clone)]
pub struct ConnectOptions {
    /// A gRPC target: `host:port`, `dns:///name:port`, `ipv4:a:port,b:port`, `ipv6:[a]:port`,
    /// `unix:/path`. Several addresses, with commas between them, take turns, and one that could
    /// not be reached is left out for a second. A name that stands for several addresses does not
    /// count as several: tonic connects to one of them.
    pub target: String,
    /// `None`: plaintext.
    pub tls: Option<TlsOptions>,
    /// Sent as `authorization: Bearer KEY`; visible ASCII. Empty: none.
    pub api_key: String,
    /// A key over plaintext can be read on the way, so it is refused beyond this host unless a
    /// proxy is known to encrypt.
    pub allow_api_key_without_tls: bool,
    /// Of a call that names none, retries included; > 0.
    pub deadline: Duration,
    /// When a call is tried again.
    pub retry: RetryOptions,
    /// Finds dead connections between calls; > 0. gRPC servers cut off clients that ping more often
    /// than every five minutes, unless configured otherwise.
    pub keepalive_interval: Duration,
    /// A connection that has not answered a ping by then is dead; > 0.
    pub keepalive_timeout: Duration,
    /// Of one answer, > 0; a longer one is `RESOURCE_EXHAUSTED`. A batch that explains carries many
    /// exemplar texts.
    pub max_response_bytes: usize,
}

impl Default for ConnectOptions {
    /// A router on this host, in plaintext: 2 s for a call, a ping every 330 s, answers to 64 MiB.
    fn default() -> Self {
        Self {
            target: DEFAULT_TARGET.into(),
            tls: None,
            api_key: String::new(),
            allow_api_key_without_tls: false,
            deadline: Duration::from_secs(2),
            retry: RetryOptions::default(),
            keepalive_interval: Duration::from_secs(330),
            keepalive_timeout: Duration::from_secs(20),
            max_response_bytes: 64 << 20,
        }
    }
}

impl fmt::Debug for ConnectOptions {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("target", &self.target)
            .field("tls", &self.tls)
            .field("api_key", &Hidden(&self.api_key))
            .field("allow_api_key_without_tls", &self.allow_api_key_without_tls)
            .field("deadline", &self.deadline)
            .field("retry", &self.retry)
            .field("keepalive_interval", &self.keepalive_interval)
            .field("keepalive_timeout", &self.keepalive_timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish()
    }
}

impl ConnectOptions {
    /// Whether a client can be made of them; [`Client::new`](crate::Client::new) asks this first.
    ///
    /// # Errors
    /// [`ConnectError::Option`] says which option is out of which bound.
    pub fn validate(&self) -> Result<(), ConnectError> {
        let addresses = Address::parse_target(&self.target)?;
        for (name, duration) in [
            ("the deadline", self.deadline),
            ("keepalive_interval", self.keepalive_interval),
            ("keepalive_timeout", self.keepalive_timeout),
        ] {
            if duration.is_zero() {
                return Err(invalid(format!("{name} must be > 0 ms; it is 0 ms")));
            }
        }
        if self.max_response_bytes == 0 {
            return Err(invalid("max_response_bytes must be > 0; it is 0"));
        }
        self.retry.validate()?;
        if let Some(tls) = &self.tls {
            if tls.certificate_chain_pem.is_empty() != tls.private_key_pem.is_empty() {
                return Err(invalid(
                    "a client certificate and its private key must be given together; one is empty",
                ));
            }
        }
        if !self.api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("the API key must be visible ASCII characters; it holds others"));
        }
        if !self.api_key.is_empty()
            && self.tls.is_none()
            && !self.allow_api_key_without_tls
            && !addresses.iter().all(Address::is_same_host)
        {
            return Err(invalid(format!(
                "an API key would be sent to {} in plaintext; use TLS, or \
                 allow_api_key_without_tls where a proxy encrypts",
                self.target
            )));
        }
        Ok(())
    }
}

impl RetryOptions {
    fn validate(&self) -> Result<(), ConnectError> {
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return Err(invalid(format!(
                "retry.max_attempts must be 1 to {MAX_ATTEMPTS}; it is {}",
                self.max_attempts
            )));
        }
        if self.initial_backoff.is_zero()
            || self.max_backoff < self.initial_backoff
            || self.backoff_multiplier.is_nan()
            || self.backoff_multiplier <= 0.0
        {
            return Err(invalid(format!(
                "retry needs 0 < initial_backoff <= max_backoff and a multiplier > 0; they are \
                 {:?}, {:?} and {}",
                self.initial_backoff, self.max_backoff, self.backoff_multiplier
            )));
        }
        Ok(())
    }
}

pub(crate) fn invalid(problem: impl Into<String>) -> ConnectError {
    ConnectError::Option(problem.into())
}
