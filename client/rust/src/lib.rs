//! Client of a [Pointsman](https://github.com/pointsman/pointsman) router, which decides which
//! language model should answer a query. It never calls a model: that is yours to do.
//!
//! ```no_run
//! use pointsman_client::{Client, ConnectOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Client::new(ConnectOptions::default())?;
//! let decision = router.route(&"Prove that there are infinitely many primes.".into()).await?;
//! println!("{}", decision.model);
//! # Ok(())
//! # }
//! ```
//!
//! Where a model must be had whatever happens, [`Client::route_or_default`] never fails.
//!
//! - [`Client`]: the calls; each ends by its deadline, and is tried again where that may help.
//! - [`ConnectOptions`]: where the router is, TLS, key, deadline, retries.
//! - [`Error`]: code, message, fields at fault, delay until the next try.
//! - [`DefaultRanking`]: what to fall back on when no router answers.
//! - [`explain`] and [`explain_routed`]: a decision as text for people.
//! - [`v1`]: the messages of the API, and with the feature `server` the traits of its services.

mod address;
mod client;
mod default_ranking;
mod error;
mod explain;
mod options;
mod request;
mod retry;
mod text_table;
mod what_would_change;

/// The API as its protos define it, generated: messages, enums and services of `pointsman.v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
#[rustfmt::skip]
#[path = "generated/pointsman.v1.rs"]
pub mod v1;

pub use client::{Client, DefaultCounts, Health, Routed, Source};
pub use default_ranking::{DefaultDecision, DefaultRanking, UnknownModel};
pub use error::{Error, FieldViolation, code_name};
pub use explain::{explain, explain_routed};
pub use options::{ConnectError, ConnectOptions, DEFAULT_TARGET, RetryOptions, TlsOptions};
/// The gRPC status codes of an [`Error`].
pub use tonic::Code;

/// Version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
