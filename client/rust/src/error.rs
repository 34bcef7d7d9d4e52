//! Errors of a router, nothing lost: code, message and every `google.rpc` detail.

use prost_types::Any;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::pb::{self, BadRequest, RetryInfo};

/// Why a call failed. `Display` is one sentence for people: what failed, the fields at fault, when
/// to try again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Error {
    code: Code,
    message: String,
    details: Vec<Any>,
}

/// A field of the request and what is wrong with it: its bound and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field, such as `limits.max_cost_usd`.
    pub field: String,
    /// One sentence.
    pub problem: String,
}

impl Error {
    /// An error without details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// The gRPC status code; see router.proto for those that a router sends.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the router, or the connection to it, said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// All `google.rpc` details, as they came.
    #[must_use]
    pub fn details(&self) -> &[Any] {
        &self.details
    }

    /// What the router objected to; empty unless it sent a `google.rpc.BadRequest`.
    #[must_use]
    pub fn field_violations(&self) -> Vec<FieldViolation> {
        let bad_request: BadRequest = self.detail("google.rpc.BadRequest").unwrap_or_default();
        let violations = bad_request.field_violations.into_iter();
        violations
            .map(|violation| FieldViolation {
                field: violation.field,
                problem: violation.description,
            })
            .collect()
    }

    /// How long to wait before trying again; `None` unless the router sent a
    /// `google.rpc.RetryInfo`.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        let retry_info: RetryInfo = self.detail("google.rpc.RetryInfo")?;
        retry_info.retry_delay?.try_into().ok()
    }

    fn detail<Detail: prost::Message + Default>(&self, name: &str) -> Option<Detail> {
        let is_named = |any: &&Any| any.type_url.rsplit('/').next() == Some(name);
        let any = self.details.iter().find(is_named)?;
        Detail::decode(any.value.as_slice()).ok()
    }

    /// Ended by the client itself, `budget` after the call began.
    pub(crate) fn deadline_exceeded(budget: Duration, last: Option<&Self>) -> Self {
        let mut message = format!("the deadline of {} ms passed", budget.as_millis());
        if let Some(last) = last {
            message +=
                &format!("; the last attempt ended {}: {}", code_name(last.code), last.message);
        }
        Self::new(Code::DeadlineExceeded, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the code means to somebody who does not know gRPC.
        match self.code {
            Code::InvalidArgument => f.write_str("the request is invalid: "),
            Code::Unavailable => f.write_str("the router cannot be reached or is not serving: "),
            Code::DeadlineExceeded => f.write_str("the router did not answer in time: "),
            Code::ResourceExhausted => f.write_str("the router is at a limit: "),
            Code::Unauthenticated => f.write_str("the router wants a valid API key: "),
            Code::PermissionDenied => f.write_str("the router does not permit this: "),
            Code::Unimplemented => {
                f.write_str("the server does not offer this call (is it a Pointsman router?): ")
            }
            code => write!(f, "the call failed ({}): ", code_name(code)),
        }?;
        let violations = self.field_violations();
        let untold = violations
            .iter()
            .filter(|violation| !self.message.contains(&violation.problem))
            .map(|violation| format!("{}: {}", violation.field, violation.problem));
        let message = Some(self.message.clone()).filter(|message| !message.is_empty());
        let parts: Vec<String> = message.into_iter().chain(untold).collect();
        if parts.is_empty() {
            f.write_str("no reason was given")?;
        }
        f.write_str(&parts.join("; "))?;
        match self.retry_delay() {
            Some(delay) => write!(f, "; try again in {} ms", delay.as_millis()),
            None => Ok(()),
        }
    }
}

impl From<pb::Status> for Error {
    /// For the items of a batch. A status that claims success is no error of any kind: `UNKNOWN`.
    fn from(status: pb::Status) -> Self {
        Self {
            code: match Code::from_i32(status.code) {
                Code::Ok => Code::Unknown,
                code => code,
            },
            message: status.message,
            details: status.details,
        }
    }
}

impl From<Status> for Error {
    /// A status that the server sent stays as it is. One that tonic made of a broken connection gets
    /// the code that gRPC defines for it.
    fn from(status: Status) -> Self {
        if status.source().is_some() {
            return Self::new(code_of(&status), causes(&status));
        }
        if let Some(sizes) = status.message().strip_prefix(TOO_LARGE) {
            return Self::new(
                Code::ResourceExhausted,
                format!("the answer is larger than max_response_bytes: {sizes}"),
            );
        }
        // The trailer of the call is the authority; the detail blob only repeats code and message.
        let blob = <pb::Status as prost::Message>::decode(status.details()).unwrap_or_default();
        Self { code: status.code(), message: status.message().to_owned(), details: blob.details }
    }
}

/// How tonic begins to say OUT_OF_RANGE where gRPC says RESOURCE_EXHAUSTED.
const TOO_LARGE: &str = "Error, decoded message length too large: ";

/// Whether tonic's timer, which follows the grpc-timeout header, has ended the call.
pub(crate) fn is_timeout(status: &Status) -> bool {
    chain(status).any(|cause| cause.is::<TimeoutExpired>())
}

/// The code that gRPC has for it. tonic knows some of those of a broken connection, depending on its
/// features; see "Errors" in gRPC's PROTOCOL-HTTP2.md for all.
pub(crate) fn code_of(status: &Status) -> Code {
    if status.source().is_none() {
        return status.code();
    }
    if is_timeout(status) {
        return Code::DeadlineExceeded;
    }
    let reset = chain(status)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .find(|error| error.is_reset())
        .and_then(h2::Error::reason);
    match reset {
        // The connection is gone, was refused, or is being closed.
        None | Some(h2::Reason::REFUSED_STREAM) => Code::Unavailable,
        Some(h2::Reason::CANCEL) => Code::Cancelled,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        Some(h2::Reason::INADEQUATE_SECURITY) => Code::PermissionDenied,
        Some(_) => Code::Internal,
    }
}

fn chain(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(status.source(), |&cause| cause.source())
}

/// "transport error: tcp connect error: Connection refused (os error 111)".
fn causes(status: &Status) -> String {
    let mut text = String::new();
    for cause in chain(status).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The name of a status code as gRPC writes it: `INVALID_ARGUMENT`.
#[must_use]
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    fn any<Detail: Message>(name: &str, detail: &Detail) -> Any {
        Any { type_url: format!("type.googleapis.com/{name}"), value: detail.encode_to_vec() }
    }

    fn bad_request(problem: &str) -> Any {
        let violation = pb::bad_request::FieldViolation {
            field: "policy".into(),
            description: problem.into(),
            ..Default::default()
        };
        any("google.rpc.BadRequest", &BadRequest { field_violations: vec![violation] })
    }

    fn retry_info(milliseconds: i32) -> Any {
        any(
            "google.rpc.RetryInfo",
            &RetryInfo {
                retry_delay: Some(prost_types::Duration {
                    seconds: 1,
                    nanos: milliseconds * 1_000_000,
                }),
            },
        )
    }

    fn status(code: Code, message: &str, details: Vec<Any>) -> pb::Status {
        pb::Status { code: code as i32, message: message.into(), details }
    }

    #[test]
    fn details_of_a_call_are_read_out_of_its_trailer() {
        let blob = status(Code::Ok, "", vec![bad_request("is unknown"), retry_info(40)]);
        let error = Error::from(Status::with_details(
            Code::InvalidArgument,
            "policy: is unknown",
            blob.encode_to_vec().into(),
        ));
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(
            error.field_violations(),
            [FieldViolation { field: "policy".into(), problem: "is unknown".into() }]
        );
        assert_eq!(error.retry_delay(), Some(Duration::from_millis(1040)));
        assert_eq!(
            error.to_string(),
            "the request is invalid: policy: is unknown; try again in 1040 ms"
        );
    }

    #[test]
    fn garbled_details_are_no_details() {
        let garbled = Status::with_details(Code::Aborted, "why", vec![0xff; 4].into());
        assert_eq!(Error::from(garbled), Error::new(Code::Aborted, "why"));
    }

    #[test]
    fn an_item_of_a_batch_has_the_same_details() {
        let error: Error = status(Code::InvalidArgument, "", vec![bad_request("is odd")]).into();
        assert_eq!(error.to_string(), "the request is invalid: policy: is odd");
        assert_eq!(error.retry_delay(), None);
    }

    #[test]
    fn a_sentence_names_an_unusual_code() {
        assert_eq!(
            Error::new(Code::DataLoss, "").to_string(),
            "the call failed (DATA_LOSS): no reason was given"
        );
    }

    #[test]
    fn a_broken_connection_is_unavailable() {
        let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "reset by peer");
        let error = Error::from(Status::from_error(Box::new(broken)));
        assert_eq!(error, Error::new(Code::Unavailable, "reset by peer"));
    }

    #[test]
    fn an_answer_that_is_too_large_is_a_limit() {
        let error = Error::from(Status::out_of_range(format!("{TOO_LARGE}found 9 bytes")));
        assert_eq!(error.code(), Code::ResourceExhausted);
    }
}
