"""A decision as text for people."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

from pointsman.client import Routed, Source
from pointsman.v1 import router_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_TEXT = 70  # characters of an exemplar: enough to recognise it
_DIGEST_DIGITS = 12


def explain(decision: router_pb2.RouteResponse | Routed) -> str:
    """Several lines on a decision.

    The choice, the ranked candidates, the rejected models, what weakened the decision, evidence and
    rules where the request asked for them, and from what it was made. Where no router decided, a
    first line says so. Pure. Control characters of texts from outside become spaces, so that the
    result is safe for a terminal.
    """
    if isinstance(decision, Routed):
        if decision.source is Source.DEFAULT_RANKING:
            return _explain_default(decision)
        decision = decision.response
    blocks = [
        _head(decision) + _needs(decision),
        _candidates(decision),
        _rejected(decision),
        _titled(
            "weakened by",
            (
                f"{_words(router_pb2.DegradationKind, entry.kind, 'DEGRADATION_KIND_')}: "
                f"{_safe(entry.detail)}"
                for entry in decision.degradations
            ),
        ),
        _evidence(decision),
        _titled("rules that fired", map(_safe, decision.rules_fired)),
        _foot(decision),
    ]
    return "\n".join(filter(None, blocks))


def _explain_default(routed: Routed) -> str:
    response = routed.response
    lines = [f"the caller's default ranking, no router decided: {_safe(str(routed.router_error))}"]
    lines += [f"  not checked: {limit}" for limit in routed.unchecked_limits]
    lines.append(_safe(response.model) or "no model of the ranking meets the requirements")
    return "\n".join(filter(None, ["\n".join(lines) + "\n", _rejected(response)]))


def _head(response: router_pb2.RouteResponse) -> str:
    if response.outcome == router_pb2.OUTCOME_CHOSEN:
        return (
            f"{_safe(response.model)}  confidence {response.confidence:.2f}, "
            f"margin {response.margin:.2f}, familiarity {response.familiarity:.2f}\n"
        )
    if response.outcome == router_pb2.OUTCOME_INFEASIBLE:
        has_way_out = response.HasField("relaxation")
        way_out = (
            _relaxation(response.relaxation)
            if has_way_out
            else "no single change of limits would help"
        )
        return f"no model qualifies: {way_out}\n"
    if response.outcome == router_pb2.OUTCOME_ABSTAINED:
        return (
            f"abstained  the policy prefers not to choose; familiarity {response.familiarity:.2f}\n"
        )
    return "no outcome in the answer\n"


def _relaxation(relaxation: router_pb2.Relaxation) -> str:
    field, model, detail = map(_safe, (relaxation.field, relaxation.model, relaxation.detail))
    if relaxation.HasField("needed"):
        current = f" from {_number(relaxation.current)}" if relaxation.HasField("current") else ""
        return (
            f"{model} would qualify with {field} changed{current} to {_number(relaxation.needed)}"
        )
    if not detail:
        return f"{model} would qualify with {field} dropped"
    change = "added to" if field.endswith("allow_models") else "dropped from"
    return f"{model} would qualify with {detail} {change} {field}"


def _needs(response: router_pb2.RouteResponse) -> str:
    mix = ", ".join(f"{_safe(c.capability)} {c.weight:.2f}" for c in response.capabilities)
    parts = [f"needs {mix}"] if mix else []
    if response.HasField("difficulty"):
        parts.append(f"difficulty {response.difficulty:.2f}")
    return "; ".join(parts) + "\n" if parts else ""


def _candidates(response: router_pb2.RouteResponse) -> str:
    rows = []
    for rank, entry in enumerate(response.candidates, 1):
        interval, wins = entry.success_interval, entry.tradeoff_interval
        rows.append(
            (
                str(rank),
                _safe(entry.model),
                f"{entry.success_probability:.3f}",
                f"{interval.lower:.2f} to {interval.upper:.2f}",
                f"{entry.cost_usd:.6f}" if entry.HasField("cost_usd") else "unknown",
                f"{entry.latency_ms:.0f}" if entry.HasField("latency_ms") else "unknown",
                f"{entry.output_tokens:.0f}",
                f"{entry.utility:.4f}",
                f"{entry.effective_evidence:.1f}",
                f"{wins.lower:.2f} to {wins.upper:.2f}"
                if entry.HasField("tradeoff_interval")
                else "",
            )
        )
    titles = (
        "#", "candidate", "success", "90 % interval", "cost USD", "latency ms", "output tokens",
        "utility", "evidence", "wins at tradeoff",
    )  # fmt: skip
    return _table(titles, "><>>>>>>><", rows)


def _rejected(response: router_pb2.RouteResponse) -> str:
    rows = [
        (
            _safe(entry.model),
            _words(router_pb2.RejectionReason, entry.reason, "REJECTION_REASON_"),
            _number(entry.limit) if entry.HasField("limit") else "",
            _number(entry.value) if entry.HasField("value") else "",
            _safe(entry.detail),
        )
        for entry in response.rejected
    ]
    return _table(("rejected", "why", "limit", "value", "detail"), "<<>><", rows)


def _evidence(response: router_pb2.RouteResponse) -> str:
    rows = [
        (
            _safe(entry.exemplar_id),
            f"{entry.similarity:.2f}",
            f"{entry.weight:.3f}",
            _safe(entry.capability),
            f"{entry.difficulty:.2f}" if entry.HasField("difficulty") else "",
            str(len(entry.outcomes) or ""),
            _safe(entry.text, _MAX_TEXT),
        )
        for entry in response.evidence
    ]
    titles = ("evidence", "similarity", "weight", "capability", "difficulty", "outcomes", "text")
    return _table(titles, "<>><>><", rows)


def _foot(response: router_pb2.RouteResponse) -> str:
    text = ""
    if response.HasField("baseline") and response.outcome == router_pb2.OUTCOME_CHOSEN:
        baseline = response.baseline
        text = f"always {_safe(baseline.model)}: success {baseline.success_probability:.3f}"
        if baseline.HasField("cost_usd"):
            text += f", cost {baseline.cost_usd:.6f} USD"
        text += "\n"
    if response.HasField("provenance"):
        origin = response.provenance
        bundle = f"{_safe(origin.bundle_version)} {_safe(origin.bundle_digest)[:_DIGEST_DIGITS]}"
        text += f"policy {_safe(origin.policy)}, bundle {bundle.strip()}"
        if response.decision_id:
            text += f", decision {_safe(response.decision_id)}"
        if origin.explored:
            text += f", explored with propensity {origin.exploration_propensity:.3f}"
        if response.HasField("timings"):
            text += f", {response.timings.total_us:.0f} us"
        text += "\n"
    return text


def _words(kind: object, value: int, prefix: str) -> str:
    """REJECTION_REASON_COST_ABOVE_LIMIT -> "cost above limit"; a number if unknown."""
    try:
        name: str = kind.Name(value)  # type: ignore[attr-defined]
    except ValueError:
        return str(value)
    return name.removeprefix(prefix).replace("_", " ").lower()


def _number(value: float) -> str:
    """Four digits, without an exponent."""
    magnitude = abs(value)
    if magnitude >= 1000:
        return f"{value:.0f}"
    if magnitude >= 0.0001 or magnitude == 0 or not math.isfinite(value):
        return f"{value:.4g}"
    return f"{value:.{3 - math.floor(math.log10(magnitude))}f}".rstrip("0")


def _safe(text: str, max_characters: int | None = None) -> str:
    line = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    if max_characters is not None and len(line) > max_characters:
        return line[:max_characters] + "..."
    return line


def _titled(title: str, lines: Iterable[str]) -> str:
    listed = [f"  {line}\n" for line in lines]
    return f"  {title}\n{''.join(listed)}" if listed else ""


def _table(titles: Sequence[str], align: str, rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; those in which every cell is empty are left out."""
    if not rows:
        return ""
    shown = [c for c in range(len(titles)) if any(row[c] for row in rows)]
    widths = {c: max(len(row[c]) for row in (titles, *rows)) for c in shown}
    return "".join(
        "".join(f"  {row[c]:{align[c]}{widths[c]}}" for c in shown).rstrip() + "\n"
        for row in (titles, *rows)
    )
