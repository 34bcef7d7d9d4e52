"""Client of a Pointsman router: which language model should answer a query.

    import pointsman

    with pointsman.Client() as router:
        decision = router.route("Prove that there are infinitely many primes.")
        print(decision.model, decision.confidence)

Where a model must be had whatever happens, `Client.route_or_default` never fails. `pointsman.aio`
is the same for asyncio. The messages are in `pointsman.v1`, made from the `.proto` files, which
document each field.
"""

from pointsman._ranking import (
    DefaultDecision,
    decide_by_default,
    rank_from_catalogue,
    rank_ids,
)
from pointsman._version import __version__
from pointsman.client import Client, DefaultCounts, Health, Routed, Source
from pointsman.errors import FieldViolation, RouterError
from pointsman.explain import explain
from pointsman.options import DEFAULT_TARGET, Options, Retry, Tls
from pointsman.v1.router_pb2 import (
    BatchRouteRequest,
    BatchRouteResponse,
    GetCatalogueResponse,
    RouteRequest,
    RouteResponse,
)

__all__ = [
    "DEFAULT_TARGET",
    "BatchRouteRequest",
    "BatchRouteResponse",
    "Client",
    "DefaultCounts",
    "DefaultDecision",
    "FieldViolation",
    "GetCatalogueResponse",
    "Health",
    "Options",
    "Retry",
    "RouteRequest",
    "RouteResponse",
    "Routed",
    "RouterError",
    "Source",
    "Tls",
    "__version__",
    "decide_by_default",
    "explain",
    "rank_from_catalogue",
    "rank_ids",
]
