//! A router that answers as a test says, over a real socket on a port of the system's choice.

use pointsman_client::v1::router_service_server::{RouterService, RouterServiceServer};
use pointsman_client::v1::{
    BatchRouteRequest, BatchRouteResponse, BatchRouteResult, GetCatalogueRequest,
    GetCatalogueResponse, Outcome, RouteRequest, RouteResponse, batch_route_result,
};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What to answer to the n-th call, counted from 1.
type Script = dyn Fn(usize, &RouteRequest) -> Result<RouteResponse, Status> + Send + Sync;

struct State {
    script: Box<Script>,
    delay: Duration,
    calls: AtomicUsize,
    metadata: Mutex<Vec<MetadataMap>>,
    serving: AtomicBool,
}

pub struct ScriptedRouter {
    state: Arc<State>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl ScriptedRouter {
    pub async fn start<S>(script: S) -> Self
    where
        S: Fn(usize, &RouteRequest) -> Result<RouteResponse, Status> + Send + Sync + 'static,
    {
        Self::serve(Box::new(script), Duration::ZERO, Server::builder()).await
    }

    /// One that takes so long to answer.
    pub async fn start_slow(delay: Duration) -> Self {
        Self::serve(Box::new(|_, _| Ok(chosen("late"))), delay, Server::builder()).await
    }

    /// One that demands the certificate `client`.
    pub async fn start_tls(server: &CertifiedKey<KeyPair>, client: &CertifiedKey<KeyPair>) -> Self {
        let identity = Identity::from_pem(server.cert.pem(), server.signing_key.serialize_pem());
        let tls = ServerTlsConfig::new()
            .identity(identity)
            .client_ca_root(Certificate::from_pem(client.cert.pem()));
        let builder = Server::builder().tls_config(tls).unwrap();
        Self::serve(Box::new(|_, _| Ok(chosen("secure"))), Duration::ZERO, builder).await
    }

    async fn serve(script: Box<Script>, delay: Duration, mut builder: Server) -> Self {
        let state = Arc::new(State {
            script,
            delay,
            calls: AtomicUsize::new(0),
            metadata: Mutex::default(),
            serving: AtomicBool::new(true),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = builder
            .add_service(RouterServiceServer::from_arc(Arc::clone(&state)))
            .add_service(HealthServer::from_arc(Arc::clone(&state)));
        let server = tokio::spawn(async move {
            router.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
        Self { state, address, server }
    }

    pub fn target(&self) -> String {
        self.address.to_string()
    }

    pub fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    /// Of every Route call so far.
    pub fn metadata(&self) -> Vec<MetadataMap> {
        self.state.metadata.lock().unwrap().clone()
    }

    pub fn set_serving(&self, serving: bool) {
        self.state.serving.store(serving, Ordering::SeqCst);
    }
}

impl Drop for ScriptedRouter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn answer(&self, request: &RouteRequest) -> Result<RouteResponse, Status> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        (self.script)(call, request)
    }
}

#[tonic::async_trait]
impl RouterService for State {
    async fn route(
        &self,
        request: Request<RouteRequest>,
    ) -> Result<Response<RouteResponse>, Status> {
        self.metadata.lock().unwrap().push(request.metadata().clone());
        tokio::time::sleep(self.delay).await;
        self.answer(request.get_ref()).map(Response::new)
    }

    async fn batch_route(
        &self,
        request: Request<BatchRouteRequest>,
    ) -> Result<Response<BatchRouteResponse>, Status> {
        let result = |request| match self.answer(request) {
            Ok(response) => batch_route_result::Result::Response(response),
            Err(status) => batch_route_result::Result::Error(tonic_types::Status {
                code: status.code() as i32,
                message: status.message().into(),
                details: Vec::new(),
            }),
        };
        let requests = &request.get_ref().requests;
        let results =
            requests.iter().map(|request| BatchRouteResult { result: Some(result(request)) });
        Ok(Response::new(BatchRouteResponse { results: results.collect() }))
    }

    async fn get_catalogue(
        &self,
        _: Request<GetCatalogueRequest>,
    ) -> Result<Response<GetCatalogueResponse>, Status> {
        Ok(Response::new(GetCatalogueResponse {
            bundle_digest: "d1".into(),
            ..GetCatalogueResponse::default()
        }))
    }
}

#[tonic::async_trait]
impl Health for State {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = if self.serving.load(Ordering::SeqCst) {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("nobody watches"))
    }
}

/// A decision for `model`.
pub fn chosen(model: &str) -> RouteResponse {
    RouteResponse {
        outcome: Outcome::Chosen.into(),
        model: model.into(),
        ..RouteResponse::default()
    }
}

/// An address at which nobody listens: it was free a moment ago.
pub fn dead_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A certificate that vouches for itself.
pub fn certificate(name: &str) -> CertifiedKey<KeyPair> {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}
