//! Short ways between plain values and the messages of the API.

use crate::Error;
use crate::v1::{BatchRouteResult, RouteRequest, RouteResponse, batch_route_result, route_request};
use tonic::Code;

impl From<&str> for RouteRequest {
    /// A request to route a single user message, under the bundle's default policy.
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for RouteRequest {
    /// A request to route a single user message, under the bundle's default policy.
    fn from(text: String) -> Self {
        Self { input: Some(route_request::Input::Text(text)), ..Self::default() }
    }
}

impl BatchRouteResult {
    /// The decision on this item of a batch.
    ///
    /// # Errors
    /// The error that `Route` would have given for it.
    pub fn into_result(self) -> Result<RouteResponse, Error> {
        match self.result {
            Some(batch_route_result::Result::Response(response)) => Ok(response),
            Some(batch_route_result::Result::Error(status)) => Err(status.into()),
            None => Err(Error::new(
                Code::Internal,
                "the router sent neither a decision nor an error for this item",
            )),
        }
    }
}
