"""The client for threads: typed calls with a deadline, retries, TLS and a key."""

from __future__ import annotations

import enum
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import grpc

from pointsman import errors
from pointsman._ranking import decide_by_default
from pointsman.options import Options, call_metadata, channel_arguments, check_timeout
from pointsman.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pointsman.v1 import catalogue_pb2

_Response = TypeVar("_Response")

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
# HealthCheckResponse{status: SERVING}: a message of one field needs no generated code, which might
# clash with the application's own.
HEALTH_SERVING = b"\x08\x01"


class Source(enum.Enum):
    """Where a decision comes from."""

    ROUTER = "router"
    """A router decided."""
    DEFAULT_RANKING = "default"
    """None answered: the caller's own ranking, blind to the query."""


class Health(enum.Enum):
    """What a router says of itself."""

    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"
    """Starting or draining."""


@dataclass(frozen=True)
class Routed:
    """A decision and where it comes from.

    With DEFAULT_RANKING, `router_error` tells why no router decided, and `unchecked_limits` which
    hard limits of the request nobody checked. A refusal of the request itself (INVALID_ARGUMENT)
    also ends here, since an application that has always had an answer must not stop when a model
    leaves the catalogue; `Client.default_counts` shows it.
    """

    source: Source
    response: router_pb2.RouteResponse
    router_error: errors.RouterError | None = None
    unchecked_limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class DefaultCounts:
    """What `route_or_default` has returned since the client was made."""

    by_router: int = 0
    by_default: int = 0
    by_default_per_code: Mapping[grpc.StatusCode, int] = field(default_factory=dict)


class Tally:
    """Counts decisions by source. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_router = 0
        self._by_default: Counter[grpc.StatusCode] = Counter()

    def routed(self, response: router_pb2.RouteResponse) -> Routed:
        """Count and label a router's decision."""
        with self._lock:
            self._by_router += 1
        return Routed(Source.ROUTER, response)

    def defaulted(
        self,
        error: errors.RouterError,
        ranking: Sequence[catalogue_pb2.Model],
        request: router_pb2.RouteRequest,
    ) -> Routed:
        """Decide by the ranking, count and label that."""
        with self._lock:
            self._by_default[error.code] += 1
        decision = decide_by_default(ranking, request)
        return Routed(Source.DEFAULT_RANKING, decision.response, error, decision.unchecked_limits)

    def counts(self) -> DefaultCounts:
        """Give what was counted so far."""
        with self._lock:
            return DefaultCounts(
                self._by_router, sum(self._by_default.values()), dict(self._by_default)
            )


def as_request(request: router_pb2.RouteRequest | str) -> router_pb2.RouteRequest:
    """Read a text as a request of nothing but that text."""
    return router_pb2.RouteRequest(text=request) if isinstance(request, str) else request


def credentials(options: Options) -> grpc.ChannelCredentials | None:
    """Give what a secure channel needs; None: plaintext."""
    if options.tls is None:
        return None
    return grpc.ssl_channel_credentials(
        options.tls.root_certificates, options.tls.private_key, options.tls.certificate_chain
    )


class Client:
    """A router, seen from its caller. Thread-safe; share one, and close it (or use `with`).

    Making one does not wait for the router: the first call connects. Each call blocks for at most
    its `timeout` in seconds (default `Options.timeout`), retries included, and raises RouterError.
    ValueError means that an option or a timeout is out of its bound. Certificates are read by
    `Options`: after a rotation of the client's own, make another client.
    """

    def __init__(self, options: Options | None = None) -> None:
        """ValueError says which option is out of which bound."""
        self._options = options or Options()
        self._options.check()
        self._metadata = call_metadata(self._options)
        self._tally = Tally()
        self._channel = self._open(balance_by_health=self._options.balance_by_health)
        self._router = router_pb2_grpc.RouterServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def route(
        self, request: router_pb2.RouteRequest | str, *, timeout: float | None = None
    ) -> router_pb2.RouteResponse:
        """Ask for one decision on a request, or on a text."""
        response: router_pb2.RouteResponse = self._call(
            self._router.Route, as_request(request), timeout
        )
        return response

    def batch_route(
        self, request: router_pb2.BatchRouteRequest, *, timeout: float | None = None
    ) -> router_pb2.BatchRouteResponse:
        """Ask for many decisions.

        Results are in the order of the requests; each holds a decision or an error, which
        `RouterError(result.error)` reads.
        """
        response: router_pb2.BatchRouteResponse = self._call(
            self._router.BatchRoute, request, timeout
        )
        return response

    def get_catalogue(self, *, timeout: float | None = None) -> router_pb2.GetCatalogueResponse:
        """Fetch models, capabilities and policies of the bundle in service."""
        response: router_pb2.GetCatalogueResponse = self._call(
            self._router.GetCatalogue, router_pb2.GetCatalogueRequest(), timeout
        )
        return response

    def route_or_default(
        self,
        request: router_pb2.RouteRequest | str,
        ranking: Sequence[catalogue_pb2.Model],
        *,
        timeout: float | None = None,
    ) -> Routed:
        """Ask for one decision, and take that of `ranking` (best first) where there is none.

        Raises nothing for want of a router: the result is labelled with its source and counted.
        """
        request = as_request(request)
        try:
            return self._tally.routed(self.route(request, timeout=timeout))
        except errors.RouterError as error:
            return self._tally.defaulted(error, ranking, request)

    def default_counts(self) -> DefaultCounts:
        """Tell what `route_or_default` has returned since the client was made."""
        return self._tally.counts()

    def check_health(self, *, timeout: float | None = None) -> Health:
        """Ask the standard gRPC health service, once.

        Not balanced by health, so that a router that is not serving can say so.
        """
        with self._open(balance_by_health=False) as channel:
            check: Any = channel.unary_unary(HEALTH_CHECK)
            answer = self._call(check, b"", timeout)
        return Health.SERVING if answer == HEALTH_SERVING else Health.NOT_SERVING

    def close(self) -> None:
        """End the connection; calls after that raise RouterError with CANCELLED."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, *, balance_by_health: bool) -> grpc.Channel:
        arguments = channel_arguments(self._options, balance_by_health=balance_by_health)
        secure = credentials(self._options)
        if secure is None:
            return grpc.insecure_channel(self._options.target, arguments)
        return grpc.secure_channel(self._options.target, secure, arguments)

    def _call(
        self, method: Callable[..., _Response], request: Any, timeout: float | None
    ) -> _Response:
        if timeout is None:
            timeout = self._options.timeout
        check_timeout(timeout)
        try:
            return method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise_from(error)
        except ValueError as error:  # gRPC's way to say that the channel is closed
            raise errors.RouterError.of(
                grpc.StatusCode.CANCELLED, "the client is closed"
            ) from error


def raise_from(error: Any) -> NoReturn:
    """Raise the RouterError of an error of gRPC."""
    raise errors.from_grpc(error.code(), error.details(), error.trailing_metadata()) from error
