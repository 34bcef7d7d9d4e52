"""The client for asyncio: the same calls as `pointsman.Client`, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from pointsman import errors
from pointsman.client import (
    HEALTH_CHECK,
    HEALTH_SERVING,
    DefaultCounts,
    Health,
    Routed,
    Tally,
    as_request,
    credentials,
    raise_from,
)
from pointsman.options import Options, call_metadata, channel_arguments, check_timeout
from pointsman.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pointsman.v1 import catalogue_pb2

_Response = TypeVar("_Response")


class Client:
    """A router, seen from its caller. For one event loop; share one among its tasks.

    Make it within the running loop. A task that is cancelled cancels its call, and the cancellation
    surfaces as asyncio has it, from `route_or_default` too.
    """

    def __init__(self, options: Options | None = None) -> None:
        """ValueError says which option is out of which bound."""
        self._options = options or Options()
        self._options.check()
        self._metadata = call_metadata(self._options)
        self._tally = Tally()
        self._channel = self._open(balance_by_health=self._options.balance_by_health)
        self._router = router_pb2_grpc.RouterServiceStub(self._channel)  # type: ignore[no-untyped-call]

    async def route(
        self, request: router_pb2.RouteRequest | str, *, timeout: float | None = None
    ) -> router_pb2.RouteResponse:
        """Ask for one decision on a request, or on a text."""
        return await self._call(self._router.Route, as_request(request), timeout)

    async def batch_route(
        self, request: router_pb2.BatchRouteRequest, *, timeout: float | None = None
    ) -> router_pb2.BatchRouteResponse:
        """Ask for many decisions, see `pointsman.Client.batch_route`."""
        return await self._call(self._router.BatchRoute, request, timeout)

    async def get_catalogue(
        self, *, timeout: float | None = None
    ) -> router_pb2.GetCatalogueResponse:
        """Fetch models, capabilities and policies of the bundle in service."""
        return await self._call(
            self._router.GetCatalogue, router_pb2.GetCatalogueRequest(), timeout
        )

    async def route_or_default(
        self,
        request: router_pb2.RouteRequest | str,
        ranking: Sequence[catalogue_pb2.Model],
        *,
        timeout: float | None = None,
    ) -> Routed:
        """Ask for one decision, and take that of `ranking` (best first) where there is none."""
        request = as_request(request)
        try:
            return self._tally.routed(await self.route(request, timeout=timeout))
        except errors.RouterError as error:
            return self._tally.defaulted(error, ranking, request)

    def default_counts(self) -> DefaultCounts:
        """Tell what `route_or_default` has returned since the client was made."""
        return self._tally.counts()

    async def check_health(self, *, timeout: float | None = None) -> Health:
        """Ask the standard gRPC health service, once and not balanced by health."""
        async with self._open(balance_by_health=False) as channel:
            check: Any = channel.unary_unary(HEALTH_CHECK)
            answer = await self._call(check, b"", timeout)
        return Health.SERVING if answer == HEALTH_SERVING else Health.NOT_SERVING

    async def close(self) -> None:
        """End the connection; calls after that raise RouterError with CANCELLED."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self, *, balance_by_health: bool) -> grpc.aio.Channel:
        arguments = channel_arguments(self._options, balance_by_health=balance_by_health)
        secure = credentials(self._options)
        if secure is None:
            return grpc.aio.insecure_channel(self._options.target, arguments)
        return grpc.aio.secure_channel(self._options.target, secure, arguments)

    async def _call(
        self,
        method: Callable[..., Awaitable[_Response]],
        request: Any,
        timeout: float | None,
    ) -> _Response:
        if timeout is None:
            timeout = self._options.timeout
        check_timeout(timeout)
        try:
            return await method(request, timeout=timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise_from(error)
        except grpc.aio.UsageError as error:  # gRPC's way to say that the channel is closed
            raise errors.RouterError.of(
                grpc.StatusCode.CANCELLED, "the client is closed"
            ) from error
