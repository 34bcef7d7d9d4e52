import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from pointsman.v1 import router_pb2 as _router_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InputKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_KIND_UNSPECIFIED: _ClassVar[InputKind]
    INPUT_KIND_TEXT: _ClassVar[InputKind]
    INPUT_KIND_CONVERSATION: _ClassVar[InputKind]
    INPUT_KIND_EMBEDDING: _ClassVar[InputKind]

class RequestOmission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUEST_OMISSION_UNSPECIFIED: _ClassVar[RequestOmission]
    REQUEST_OMISSION_TOO_LARGE: _ClassVar[RequestOmission]
INPUT_KIND_UNSPECIFIED: InputKind
INPUT_KIND_TEXT: InputKind
INPUT_KIND_CONVERSATION: InputKind
INPUT_KIND_EMBEDDING: InputKind
REQUEST_OMISSION_UNSPECIFIED: RequestOmission
REQUEST_OMISSION_TOO_LARGE: RequestOmission

class DecisionCandidate(_message.Message):
    __slots__ = ("model", "success_probability", "cost_usd", "latency_ms", "output_tokens", "utility")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    model: str
    success_probability: float
    cost_usd: float
    latency_ms: float
    output_tokens: float
    utility: float
    def __init__(self, model: _Optional[str] = ..., success_probability: _Optional[float] = ..., cost_usd: _Optional[float] = ..., latency_ms: _Optional[float] = ..., output_tokens: _Optional[float] = ..., utility: _Optional[float] = ...) -> None: ...

class DecisionRecord(_message.Message):
    __slots__ = ("time", "decision_id", "method", "batch_index", "correlation_id", "trace_id", "client", "bundle_digest", "bundle_version", "server_version", "policy", "policy_digest", "input_kind", "input_bytes", "input_turns", "input_hash", "input_tokens", "outcome", "model", "confidence", "margin", "familiarity", "candidates", "candidates_omitted", "rejected", "rejected_omitted", "capabilities", "difficulty", "degradations", "rules_fired", "exploration_propensity", "explored", "baseline", "total_us", "request", "redacted", "request_omission")
    TIME_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    BATCH_INDEX_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    INPUT_TURNS_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_OMITTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_OMITTED_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIRED_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    REDACTED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_OMISSION_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    decision_id: str
    method: str
    batch_index: int
    correlation_id: str
    trace_id: str
    client: str
    bundle_digest: str
    bundle_version: str
    server_version: str
    policy: str
    policy_digest: str
    input_kind: InputKind
    input_bytes: int
    input_turns: int
    input_hash: str
    input_tokens: int
    outcome: _router_pb2.Outcome
    model: str
    confidence: float
    margin: float
    familiarity: float
    candidates: _containers.RepeatedCompositeFieldContainer[DecisionCandidate]
    candidates_omitted: int
    rejected: _containers.RepeatedCompositeFieldContainer[_router_pb2.Rejection]
    rejected_omitted: int
    capabilities: _containers.RepeatedCompositeFieldContainer[_router_pb2.CapabilityWeight]
    difficulty: float
    degradations: _containers.RepeatedScalarFieldContainer[_router_pb2.DegradationKind]
    rules_fired: _containers.RepeatedScalarFieldContainer[str]
    exploration_propensity: float
    explored: bool
    baseline: _router_pb2.Baseline
    total_us: float
    request: _router_pb2.RouteRequest
    redacted: bool
    request_omission: RequestOmission
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision_id: _Optional[str] = ..., method: _Optional[str] = ..., batch_index: _Optional[int] = ..., correlation_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., client: _Optional[str] = ..., bundle_digest: _Optional[str] = ..., bundle_version: _Optional[str] = ..., server_version: _Optional[str] = ..., policy: _Optional[str] = ..., policy_digest: _Optional[str] = ..., input_kind: _Optional[_Union[InputKind, str]] = ..., input_bytes: _Optional[int] = ..., input_turns: _Optional[int] = ..., input_hash: _Optional[str] = ..., input_tokens: _Optional[int] = ..., outcome: _Optional[_Union[_router_pb2.Outcome, str]] = ..., model: _Optional[str] = ..., confidence: _Optional[float] = ..., margin: _Optional[float] = ..., familiarity: _Optional[float] = ..., candidates: _Optional[_Iterable[_Union[DecisionCandidate, _Mapping]]] = ..., candidates_omitted: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[_router_pb2.Rejection, _Mapping]]] = ..., rejected_omitted: _Optional[int] = ..., capabilities: _Optional[_Iterable[_Union[_router_pb2.CapabilityWeight, _Mapping]]] = ..., difficulty: _Optional[float] = ..., degradations: _Optional[_Iterable[_Union[_router_pb2.DegradationKind, str]]] = ..., rules_fired: _Optional[_Iterable[str]] = ..., exploration_propensity: _Optional[float] = ..., explored: bool = ..., baseline: _Optional[_Union[_router_pb2.Baseline, _Mapping]] = ..., total_us: _Optional[float] = ..., request: _Optional[_Union[_router_pb2.RouteRequest, _Mapping]] = ..., redacted: bool = ..., request_omission: _Optional[_Union[RequestOmission, str]] = ...) -> None: ...
