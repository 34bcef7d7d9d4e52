"""Cases as data: cases/*.jsonl, one case a line.

    {"id": "limits/cost", "op": "route", "request": {...}, "expect": {...}}

`request` (or `response`, `ranking`, `catalogue`, `ids`, as the command of PROTOCOL.md has it) is proto3
JSON; `world`, `options`, `transports` and `deadline_ms` say where and how, `expect` what must come
(matching.py). Values that would be long to write out:

    {"$repeat": ["text", n]}   the text n times
    {"$list": [value, n]}      a list of n such values
    {"$embedder": true}        the embedder id of the bundle
"""

import base64
import json
import pathlib
import re

from google.protobuf import json_format

DIRECTORY = pathlib.Path(__file__).resolve().parent / "cases"
MEMBERS = {"id", "op", "world", "transports", "options", "deadline_ms", "request", "response",
           "ranking", "catalogue", "ids", "expect"}


def load():
    cases = []
    for path in sorted(DIRECTORY.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                case = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path.name}:{number}: {error}") from None
            if unknown := set(case) - MEMBERS:
                raise ValueError(f"{path.name}:{number}: no member {sorted(unknown)} in a case")
            case["id"] = f"{path.stem}/{case['id']}"
            cases.append(case)
    repeated = {c["id"] for c in cases if sum(c["id"] == other["id"] for other in cases) > 1}
    if repeated:
        raise ValueError(f"cases of the same id: {sorted(repeated)}")
    return cases


def _expand(value, embedder):
    if isinstance(value, list):
        return [_expand(v, embedder) for v in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, count = value["$repeat"]
        return text * count
    if "$list" in value:
        element, count = value["$list"]
        return [_expand(element, embedder)] * count
    if "$embedder" in value:
        return embedder
    return {k: _expand(v, embedder) for k, v in value.items()}


class Codec:
    """Between the JSON of a case and what travels to and from an agent."""

    def __init__(self, api, embedder_id):
        router, model = api.router, api.catalogue.Model
        self._embedder_id = embedder_id
        self._requests = {"route": router.RouteRequest, "route_or_default": router.RouteRequest,
                          "explain_routed": router.RouteRequest,
                          "batch_route": router.BatchRouteRequest}
        self._responses = {"route": router.RouteResponse, "route_or_default": router.RouteResponse,
                           "batch_route": router.BatchRouteResponse,
                           "get_catalogue": router.GetCatalogueResponse}
        self._route_response = router.RouteResponse
        self._catalogue = api.catalogue.Catalogue
        self._model = model

    def _encode(self, message_type, value):
        message = json_format.ParseDict(_expand(value, self._embedder_id), message_type())
        return base64.b64encode(message.SerializeToString(deterministic=True)).decode()

    def command(self, case):
        """The members of the command beside `op` and `client`."""
        members = {key: case[key] for key in ("deadline_ms", "ids") if key in case}
        if "request" in case:
            members["request"] = self._encode(self._requests[case["op"]], case["request"])
        if "response" in case:
            members["response"] = self._encode(self._route_response, case["response"])
        if "catalogue" in case:
            members["catalogue"] = self._encode(self._catalogue, case["catalogue"])
        if "ranking" in case:
            members["ranking"] = [self._encode(self._model, m) for m in case["ranking"]]
        return members

    def answer(self, op, answer):
        """(the answer in the form that `expect` describes, what must be the same for every language)"""
        if not answer.get("ok"):
            return {"error": _error(answer)}, None
        read = {k: v for k, v in answer.items() if k not in ("id", "ok")}
        same = None
        if "response" in read:
            message = self._responses[op].FromString(base64.b64decode(read["response"]))
            read["response"] = json_format.MessageToDict(message, preserving_proto_field_name=True)
            same = _without_the_moment(message).SerializeToString(deterministic=True)
        if "ranking" in read:
            models = [self._model.FromString(base64.b64decode(m)) for m in read["ranking"]]
            read["ranking"] = [json_format.MessageToDict(m, preserving_proto_field_name=True)
                               for m in models]
        if "router_error" in read:
            read["router_error"] = _error(read["router_error"])
        return read, same


def _error(answer):
    error = {"code": answer.get("code"), "message": answer.get("message")}
    if "retry_delay_ms" in answer:
        error["retry_delay_ms"] = answer["retry_delay_ms"]
    error["fields"] = {v["field"]: v["problem"] for v in answer.get("field_violations", [])}
    return error


def _without_the_moment(message):
    """Without what differs from call to call."""
    parts = [message] if not hasattr(message, "results") else [r.response for r in message.results]
    for part in parts:
        for name in ("decision_id", "timings"):
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
        for degradation in getattr(part, "degradations", ()):
            degradation.detail = re.sub(r"^(user-agent|attempt): .*", r"\1", degradation.detail)
    return message
