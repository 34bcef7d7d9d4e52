"""What a caller falls back on when no router answers: its own list of models, best first.

It knows nothing of the query, so it promises little: a model that the request's own requirements
allow, or none. What it cannot check is named, never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.v1 import catalogue_pb2, router_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LIMITS = ("max_cost_usd", "max_latency_ms", "min_success_probability")


def rank_ids(ids: Iterable[str]) -> list[catalogue_pb2.Model]:
    """Models of which only the id is known, best first.

    A request that requires a feature, a tag or a context window rejects them, since what is unknown
    never satisfies a requirement.
    """
    return [catalogue_pb2.Model(id=model_id) for model_id in ids]


def rank_from_catalogue(
    catalogue: catalogue_pb2.Catalogue, ids: Iterable[str]
) -> list[catalogue_pb2.Model]:
    """Give the same order with what a catalogue, fetched earlier, says of each model.

    ValueError names the id that the catalogue does not have.
    """
    models = {model.id: model for model in reversed(catalogue.models)}
    ranking = []
    for model_id in ids:
        if model_id not in models:
            raise ValueError(f"the catalogue has no model `{model_id}`")
        ranking.append(models[model_id])
    return ranking


@dataclass(frozen=True)
class DefaultDecision:
    """A decision of a caller's own ranking.

    `response` is CHOSEN with the first model that meets the requirements, or INFEASIBLE. Candidates
    and rejections are filled in; confidence, margin, familiarity and every estimate stay 0, the
    decision id and the provenance empty: nothing was estimated. `unchecked_limits` are the hard
    limits of the request that need an estimate, such as "limits.max_cost_usd": not checked.
    """

    response: router_pb2.RouteResponse
    unchecked_limits: tuple[str, ...]


def decide_by_default(
    ranking: Sequence[catalogue_pb2.Model], request: router_pb2.RouteRequest
) -> DefaultDecision:
    """Decide by `ranking`, best first. Pure: the same arguments give the same decision."""
    response = router_pb2.RouteResponse(correlation_id=request.correlation_id)
    for model in ranking:
        rejection = _check(request, model)
        if rejection is None:
            response.candidates.add(model=model.id)
        else:
            rejection.model = model.id
            response.rejected.append(rejection)
    if response.candidates:
        response.outcome = router_pb2.OUTCOME_CHOSEN
        response.model = response.candidates[0].model
    else:
        response.outcome = router_pb2.OUTCOME_INFEASIBLE
    unchecked = tuple(f"limits.{name}" for name in _LIMITS if request.limits.HasField(name))
    return DefaultDecision(response, unchecked)


def _check(
    request: router_pb2.RouteRequest, model: catalogue_pb2.Model
) -> router_pb2.Rejection | None:
    """Give the first reason against a model, in the order of the enum, as the router does."""
    needs = request.requirements
    if needs.allow_models and model.id not in needs.allow_models:
        return router_pb2.Rejection(reason=router_pb2.REJECTION_REASON_NOT_ALLOWED)
    if model.id in needs.deny_models:
        return router_pb2.Rejection(reason=router_pb2.REJECTION_REASON_DENIED)
    for feature in needs.features:
        if feature not in model.features:
            return router_pb2.Rejection(
                reason=router_pb2.REJECTION_REASON_MISSING_FEATURE, detail=feature
            )
    for tag in needs.tags:
        if tag not in model.tags:
            return router_pb2.Rejection(reason=router_pb2.REJECTION_REASON_MISSING_TAG, detail=tag)
    return _check_context(request, model)


def _check_context(
    request: router_pb2.RouteRequest, model: catalogue_pb2.Model
) -> router_pb2.Rejection | None:
    is_required = request.requirements.HasField("context_tokens")
    if is_required:
        needed = request.requirements.context_tokens
    elif request.HasField("input_tokens"):
        needed = request.input_tokens + request.expected_output_tokens
    else:
        return None
    if model.HasField("context_window_tokens"):
        if model.context_window_tokens >= needed:
            return None
        return router_pb2.Rejection(
            reason=router_pb2.REJECTION_REASON_CONTEXT_TOO_SMALL,
            limit=needed,
            value=model.context_window_tokens,
        )
    if not is_required:
        return None
    return router_pb2.Rejection(reason=router_pb2.REJECTION_REASON_CONTEXT_UNKNOWN, limit=needed)
