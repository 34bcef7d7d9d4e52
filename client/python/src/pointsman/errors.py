"""Errors of a router, with what the router sent about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

_DETAILS = "grpc-status-details-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_LEADS = {
    grpc.StatusCode.INVALID_ARGUMENT: "the request is invalid: ",
    grpc.StatusCode.UNAVAILABLE: "the router cannot be reached or is not serving: ",
    grpc.StatusCode.DEADLINE_EXCEEDED: "the router did not answer in time: ",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "the router is at a limit: ",
    grpc.StatusCode.UNAUTHENTICATED: "the router wants a valid API key: ",
    grpc.StatusCode.PERMISSION_DENIED: "the router does not permit this: ",
    grpc.StatusCode.UNIMPLEMENTED: (
        "the server does not offer this call (is it a Pointsman router?): "
    ),
}
_Detail = TypeVar("_Detail", bound=Message)


@dataclass(frozen=True)
class FieldViolation:
    """A field of the request and what is wrong with it: its bound and its value."""

    field: str
    problem: str


class RouterError(Exception):
    """No decision: the router refused, failed, or was not reached. `str` is a sentence for people.

    `code` is the gRPC status code (UNAVAILABLE has been retried already), `message` the router's
    own words, `field_violations` what it objected to in the request, `retry_delay` how long it
    wants to be left alone, `status` the google.rpc.Status with every detail.
    """

    def __init__(self, status: status_pb2.Status) -> None:
        """Of a google.rpc.Status, such as that of an item of a batch."""
        self.status = status
        self.code: grpc.StatusCode = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
        self.message: str = status.message
        bad_request = _detail(status, error_details_pb2.BadRequest)
        self.field_violations: tuple[FieldViolation, ...] = tuple(
            FieldViolation(violation.field, violation.description)
            for violation in (bad_request.field_violations if bad_request else ())
        )
        retry_info = _detail(status, error_details_pb2.RetryInfo)
        self.retry_delay: timedelta | None = (
            retry_info.retry_delay.ToTimedelta()
            if retry_info and retry_info.HasField("retry_delay")
            else None
        )
        super().__init__(self._sentence())

    @classmethod
    def of(cls, code: grpc.StatusCode, message: str) -> RouterError:
        """Make one without details."""
        return cls(status_pb2.Status(code=code.value[0], message=message))

    def _sentence(self) -> str:
        parts = [self.message] if self.message else []
        parts += [
            f"{violation.field}: {violation.problem}"
            for violation in self.field_violations
            if violation.problem not in self.message
        ]
        lead = _LEADS.get(self.code, f"the call failed ({self.code.name}): ")
        sentence = lead + ("; ".join(parts) or "no reason was given")
        if self.retry_delay is not None:
            sentence += f"; try again in {self.retry_delay // timedelta(milliseconds=1)} ms"
        return sentence


def _detail(status: status_pb2.Status, kind: type[_Detail]) -> _Detail | None:
    for packed in status.details:
        detail = kind()
        try:
            if packed.Unpack(detail):
                return detail
        except DecodeError:
            continue
    return None


def from_grpc(
    code: grpc.StatusCode, message: str | None, trailers: Iterable[tuple[str, str | bytes]] | None
) -> RouterError:
    """Of what a gRPC call ended with."""
    status = status_pb2.Status()
    for key, value in trailers or ():
        if key == _DETAILS and isinstance(value, bytes):
            try:
                status = status_pb2.Status.FromString(value)
            except DecodeError:
                status = status_pb2.Status()
    # The trailer of the call is the authority; the details only repeat code and message.
    status.code = code.value[0]
    status.message = message or ""
    return RouterError(status)
