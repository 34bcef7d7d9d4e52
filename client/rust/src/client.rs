//! The calls.

use crate::address::Channels;
use crate::default_ranking::DefaultRanking;
use crate::error::{Error, code_of};
use crate::options::{ConnectError, ConnectOptions, RetryOptions};
use crate::retry;
use crate::v1::router_service_client::RouterServiceClient;
use crate::v1::{
    BatchRouteRequest, BatchRouteResponse, GetCatalogueRequest, GetCatalogueResponse, RouteRequest,
    RouteResponse,
};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const STATUS_CODES: usize = 17; // OK to UNAUTHENTICATED
const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// A decision and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// The decision; from a ranking it holds no estimates, see [`DefaultRanking::decide`].
    pub response: RouteResponse,
    /// Who made it.
    pub source: Source,
}

/// Who made a decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A router.
    Router,
    /// None answered: the caller's own ranking, blind to the query.
    DefaultRanking {
        /// Why no router decided. A refusal of the request itself (`INVALID_ARGUMENT`) also ends
        /// here, since an application that has always had an answer must not stop when a model
        /// leaves the catalogue; [`Client::default_counts`] shows it.
        router_error: Error,
        /// Hard limits of the request that were not checked, such as `limits.max_cost_usd`.
        unchecked_limits: Vec<&'static str>,
    },
}

/// What [`Client::route_or_default`] has returned since the client was made, clones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultCounts {
    /// Decisions of a router.
    pub by_router: u64,
    /// Decisions of a ranking.
    pub by_default: u64,
    /// The latter by the code of the router's error: codes that occurred.
    pub by_default_per_code: HashMap<Code, u64>,
}

/// Whether a router wants requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Serving,
    /// It is starting or draining.
    NotServing,
}

/// A client of a router.
///
/// Cheap to clone; clones share connections and counts, and may be used from any number of tasks
/// and threads at once. Connections end with the last clone.
///
/// Every call ends by its deadline, [`ConnectOptions::deadline`] unless [`Client::with_deadline`]
/// says otherwise. An [`Error`] of the code `UNAVAILABLE` has been tried again already. A call whose
/// future is dropped is cancelled, here and at the router, and counts nowhere.
#[derive(Clone)]
pub struct Client {
    connection: Arc<Connection>,
    deadline: Duration,
}

struct Connection {
    channels: Channels,
    authorization: Option<MetadataValue<Ascii>>,
    retry: RetryOptions,
    max_response_bytes: usize,
    by_router: AtomicU64,
    by_default: [AtomicU64; STATUS_CODES],
}

impl Client {
    /// Does not wait for the router: the first call connects. Needs a Tokio runtime around it.
    ///
    /// # Errors
    /// Names the option that is out of bounds, or says that there is no runtime.
    pub fn new(options: ConnectOptions) -> Result<Self, ConnectError> {
        options.validate()?;
        tokio::runtime::Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        Ok(Self {
            connection: Arc::new(Connection {
                channels: Channels::new(&options)?,
                authorization: authorization(&options.api_key)?,
                retry: options.retry,
                max_response_bytes: options.max_response_bytes,
                by_router: AtomicU64::new(0),
                by_default: Default::default(),
            }),
            deadline: options.deadline,
        })
    }

    /// The same client with another deadline for its calls, retries included; > 0, or each of them
    /// is `INVALID_ARGUMENT`.
    ///
    /// ```no_run
    /// # use pointsman_client::{Client, Error};
    /// # async fn example(router: Client) -> Result<(), Error> {
    /// let patient = router.with_deadline(std::time::Duration::from_secs(30));
    /// let catalogue = patient.get_catalogue().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { connection: Arc::clone(&self.connection), deadline }
    }

    /// One decision. "No model qualifies" and "I do not know" are decisions, not errors.
    ///
    /// # Errors
    /// As router.proto has them.
    pub async fn route(&self, request: &RouteRequest) -> Result<RouteResponse, Error> {
        self.call(request, |mut router, request| async move { router.route(request).await }).await
    }

    /// Many decisions from one snapshot of the bundle, in the order of the requests; each result
    /// holds a decision or an error, see
    /// [`BatchRouteResult::into_result`](crate::v1::BatchRouteResult::into_result).
    ///
    /// # Errors
    /// As router.proto has them, where the batch as a whole failed.
    pub async fn batch_route(
        &self,
        request: &BatchRouteRequest,
    ) -> Result<BatchRouteResponse, Error> {
        self.call(request, |mut router, request| async move { router.batch_route(request).await })
            .await
    }

    /// Models, capabilities and policies of the bundle in service.
    ///
    /// # Errors
    /// As router.proto has them.
    pub async fn get_catalogue(&self) -> Result<GetCatalogueResponse, Error> {
        self.call(&GetCatalogueRequest {}, |mut router, request| async move {
            router.get_catalogue(request).await
        })
        .await
    }

    /// Never fails: the router's decision, or that of `ranking`, labelled and counted.
    pub async fn route_or_default(
        &self,
        request: &RouteRequest,
        ranking: &DefaultRanking,
    ) -> Routed {
        match self.route(request).await {
            Ok(response) => {
                self.connection.by_router.fetch_add(1, Ordering::Relaxed);
                Routed { response, source: Source::Router }
            }
            Err(router_error) => {
                let count = &self.connection.by_default[router_error.code() as usize];
                count.fetch_add(1, Ordering::Relaxed);
                let decision = ranking.decide(request);
                Routed {
                    response: decision.response,
                    source: Source::DefaultRanking {
                        router_error,
                        unchecked_limits: decision.unchecked_limits,
                    },
                }
            }
        }
    }

    /// How often a router decided and how often a ranking did: worth a metric and an alert.
    #[must_use]
    pub fn default_counts(&self) -> DefaultCounts {
        let mut counts = DefaultCounts {
            by_router: self.connection.by_router.load(Ordering::Relaxed),
            ..DefaultCounts::default()
        };
        for (code, count) in (0..).zip(&self.connection.by_default) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                counts.by_default += count;
                counts.by_default_per_code.insert(Code::from_i32(code), count);
            }
        }
        counts
    }

    /// The standard gRPC health service, asked once: of several addresses, the next one in turn.
    ///
    /// # Errors
    /// The router could not be asked, or has no health service (`UNIMPLEMENTED`).
    pub async fn check_health(&self) -> Result<Health, Error> {
        let once = RetryOptions { max_attempts: 1, ..self.connection.retry.clone() };
        let response = retry::call(self.deadline, &once, |number, left| {
            let (_, channel) = self.connection.channels.pick();
            let request = self.prepare(HealthCheckRequest::default(), number, left);
            async move { HealthClient::new(channel).check(request).await }
        })
        .await?;
        Ok(match response.status() {
            ServingStatus::Serving => Health::Serving,
            _ => Health::NotServing,
        })
    }

    async fn call<Message, Answer, Attempt>(
        &self,
        request: &Message,
        attempt: impl Fn(RouterServiceClient<Channel>, Request<Message>) -> Attempt,
    ) -> Result<Answer, Error>
    where
        Message: Clone,
        Attempt: Future<Output = Result<Response<Answer>, Status>>,
    {
        let connection = &self.connection;
        retry::call(self.deadline, &connection.retry, |number, left| {
            let (place, channel) = connection.channels.pick();
            let router = RouterServiceClient::new(channel)
                .max_decoding_message_size(connection.max_response_bytes);
            let answer = attempt(router, self.prepare(request.clone(), number, left));
            async move {
                let answer = answer.await;
                if matches!(&answer, Err(status) if code_of(status) == Code::Unavailable) {
                    connection.channels.rest(place);
                }
                answer
            }
        })
        .await
    }

    fn prepare<Message>(&self, message: Message, number: u32, left: Duration) -> Request<Message> {
        let mut request = Request::new(message);
        request.set_timeout(left);
        let metadata = request.metadata_mut();
        if let Some(authorization) = &self.connection.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if number > 0 {
            metadata.insert(PREVIOUS_ATTEMPTS, number.into());
        }
        request
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("deadline", &self.deadline)
            .field("retry", &self.connection.retry)
            .finish_non_exhaustive()
    }
}

fn authorization(api_key: &str) -> Result<Option<MetadataValue<Ascii>>, ConnectError> {
    if api_key.is_empty() {
        return Ok(None);
    }
    let mut value: MetadataValue<Ascii> = format!("Bearer {api_key}")
        .parse()
        .map_err(|_| crate::options::invalid("the API key must be visible ASCII characters"))?;
    value.set_sensitive(true); // not in hyper's debugging output, not in HPACK's table
    Ok(Some(value))
}
