from google.rpc import status_pb2 as _status_pb2
from pointsman.v1 import catalogue_pb2 as _catalogue_pb2
from pointsman.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_SYSTEM: _ClassVar[Role]
    ROLE_USER: _ClassVar[Role]
    ROLE_ASSISTANT: _ClassVar[Role]
    ROLE_TOOL: _ClassVar[Role]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_CHOSEN: _ClassVar[Outcome]
    OUTCOME_INFEASIBLE: _ClassVar[Outcome]
    OUTCOME_ABSTAINED: _ClassVar[Outcome]

class RejectionReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REJECTION_REASON_UNSPECIFIED: _ClassVar[RejectionReason]
    REJECTION_REASON_NOT_ALLOWED: _ClassVar[RejectionReason]
    REJECTION_REASON_DENIED: _ClassVar[RejectionReason]
    REJECTION_REASON_RULE: _ClassVar[RejectionReason]
    REJECTION_REASON_MISSING_FEATURE: _ClassVar[RejectionReason]
    REJECTION_REASON_MISSING_TAG: _ClassVar[RejectionReason]
    REJECTION_REASON_CONTEXT_TOO_SMALL: _ClassVar[RejectionReason]
    REJECTION_REASON_CONTEXT_UNKNOWN: _ClassVar[RejectionReason]
    REJECTION_REASON_COST_ABOVE_LIMIT: _ClassVar[RejectionReason]
    REJECTION_REASON_COST_UNKNOWN: _ClassVar[RejectionReason]
    REJECTION_REASON_LATENCY_ABOVE_LIMIT: _ClassVar[RejectionReason]
    REJECTION_REASON_LATENCY_UNKNOWN: _ClassVar[RejectionReason]
    REJECTION_REASON_SUCCESS_BELOW_LIMIT: _ClassVar[RejectionReason]

class DegradationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEGRADATION_KIND_UNSPECIFIED: _ClassVar[DegradationKind]
    DEGRADATION_KIND_EMPTY_INPUT: _ClassVar[DegradationKind]
    DEGRADATION_KIND_TRUNCATED: _ClassVar[DegradationKind]
    DEGRADATION_KIND_UNFAMILIAR: _ClassVar[DegradationKind]
    DEGRADATION_KIND_NO_OUTCOMES: _ClassVar[DegradationKind]
    DEGRADATION_KIND_NO_SKILL: _ClassVar[DegradationKind]
    DEGRADATION_KIND_COST_UNKNOWN: _ClassVar[DegradationKind]
    DEGRADATION_KIND_LATENCY_UNKNOWN: _ClassVar[DegradationKind]
    DEGRADATION_KIND_TARGET_NOT_REACHED: _ClassVar[DegradationKind]
    DEGRADATION_KIND_NO_TEXT: _ClassVar[DegradationKind]
ROLE_UNSPECIFIED: Role
ROLE_SYSTEM: Role
ROLE_USER: Role
ROLE_ASSISTANT: Role
ROLE_TOOL: Role
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_CHOSEN: Outcome
OUTCOME_INFEASIBLE: Outcome
OUTCOME_ABSTAINED: Outcome
REJECTION_REASON_UNSPECIFIED: RejectionReason
REJECTION_REASON_NOT_ALLOWED: RejectionReason
REJECTION_REASON_DENIED: RejectionReason
REJECTION_REASON_RULE: RejectionReason
REJECTION_REASON_MISSING_FEATURE: RejectionReason
REJECTION_REASON_MISSING_TAG: RejectionReason
REJECTION_REASON_CONTEXT_TOO_SMALL: RejectionReason
REJECTION_REASON_CONTEXT_UNKNOWN: RejectionReason
REJECTION_REASON_COST_ABOVE_LIMIT: RejectionReason
REJECTION_REASON_COST_UNKNOWN: RejectionReason
REJECTION_REASON_LATENCY_ABOVE_LIMIT: RejectionReason
REJECTION_REASON_LATENCY_UNKNOWN: RejectionReason
REJECTION_REASON_SUCCESS_BELOW_LIMIT: RejectionReason
DEGRADATION_KIND_UNSPECIFIED: DegradationKind
DEGRADATION_KIND_EMPTY_INPUT: DegradationKind
DEGRADATION_KIND_TRUNCATED: DegradationKind
DEGRADATION_KIND_UNFAMILIAR: DegradationKind
DEGRADATION_KIND_NO_OUTCOMES: DegradationKind
DEGRADATION_KIND_NO_SKILL: DegradationKind
DEGRADATION_KIND_COST_UNKNOWN: DegradationKind
DEGRADATION_KIND_LATENCY_UNKNOWN: DegradationKind
DEGRADATION_KIND_TARGET_NOT_REACHED: DegradationKind
DEGRADATION_KIND_NO_TEXT: DegradationKind

class Turn(_message.Message):
    __slots__ = ("role", "content")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    role: Role
    content: str
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., content: _Optional[str] = ...) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("turns",)
    TURNS_FIELD_NUMBER: _ClassVar[int]
    turns: _containers.RepeatedCompositeFieldContainer[Turn]
    def __init__(self, turns: _Optional[_Iterable[_Union[Turn, _Mapping]]] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("embedder_id", "values")
    EMBEDDER_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    embedder_id: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, embedder_id: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class Requirements(_message.Message):
    __slots__ = ("features", "context_tokens", "tags", "allow_models", "deny_models")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MODELS_FIELD_NUMBER: _ClassVar[int]
    DENY_MODELS_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedScalarFieldContainer[str]
    context_tokens: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    allow_models: _containers.RepeatedScalarFieldContainer[str]
    deny_models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, features: _Optional[_Iterable[str]] = ..., context_tokens: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., allow_models: _Optional[_Iterable[str]] = ..., deny_models: _Optional[_Iterable[str]] = ...) -> None: ...

class Incumbent(_message.Message):
    __slots__ = ("model", "cached_input_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    cached_input_tokens: int
    def __init__(self, model: _Optional[str] = ..., cached_input_tokens: _Optional[int] = ...) -> None: ...

class RouteRequest(_message.Message):
    __slots__ = ("text", "conversation", "embedding", "policy", "objective", "tradeoff", "limits", "requirements", "input_tokens", "expected_output_tokens", "incumbent", "assignment_key", "explain", "max_candidates", "correlation_id")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    TRADEOFF_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INCUMBENT_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    text: str
    conversation: Conversation
    embedding: Embedding
    policy: str
    objective: _policy_pb2.Objective
    tradeoff: float
    limits: _policy_pb2.Limits
    requirements: Requirements
    input_tokens: int
    expected_output_tokens: int
    incumbent: Incumbent
    assignment_key: str
    explain: bool
    max_candidates: int
    correlation_id: str
    def __init__(self, text: _Optional[str] = ..., conversation: _Optional[_Union[Conversation, _Mapping]] = ..., embedding: _Optional[_Union[Embedding, _Mapping]] = ..., policy: _Optional[str] = ..., objective: _Optional[_Union[_policy_pb2.Objective, str]] = ..., tradeoff: _Optional[float] = ..., limits: _Optional[_Union[_policy_pb2.Limits, _Mapping]] = ..., requirements: _Optional[_Union[Requirements, _Mapping]] = ..., input_tokens: _Optional[int] = ..., expected_output_tokens: _Optional[int] = ..., incumbent: _Optional[_Union[Incumbent, _Mapping]] = ..., assignment_key: _Optional[str] = ..., explain: bool = ..., max_candidates: _Optional[int] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("lower", "upper")
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    lower: float
    upper: float
    def __init__(self, lower: _Optional[float] = ..., upper: _Optional[float] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("model", "success_probability", "success_interval", "cost_usd", "latency_ms", "output_tokens", "utility", "effective_evidence", "tradeoff_interval")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    TRADEOFF_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    model: str
    success_probability: float
    success_interval: Interval
    cost_usd: float
    latency_ms: float
    output_tokens: float
    utility: float
    effective_evidence: float
    tradeoff_interval: Interval
    def __init__(self, model: _Optional[str] = ..., success_probability: _Optional[float] = ..., success_interval: _Optional[_Union[Interval, _Mapping]] = ..., cost_usd: _Optional[float] = ..., latency_ms: _Optional[float] = ..., output_tokens: _Optional[float] = ..., utility: _Optional[float] = ..., effective_evidence: _Optional[float] = ..., tradeoff_interval: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("model", "reason", "limit", "value", "detail")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    model: str
    reason: RejectionReason
    limit: float
    value: float
    detail: str
    def __init__(self, model: _Optional[str] = ..., reason: _Optional[_Union[RejectionReason, str]] = ..., limit: _Optional[float] = ..., value: _Optional[float] = ..., detail: _Optional[str] = ...) -> None: ...

class Relaxation(_message.Message):
    __slots__ = ("field", "current", "needed", "model", "detail")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    field: str
    current: float
    needed: float
    model: str
    detail: str
    def __init__(self, field: _Optional[str] = ..., current: _Optional[float] = ..., needed: _Optional[float] = ..., model: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class CapabilityWeight(_message.Message):
    __slots__ = ("capability", "weight")
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    capability: str
    weight: float
    def __init__(self, capability: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Degradation(_message.Message):
    __slots__ = ("kind", "detail")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    kind: DegradationKind
    detail: str
    def __init__(self, kind: _Optional[_Union[DegradationKind, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("exemplar_id", "text", "similarity", "weight", "capability", "difficulty", "outcomes")
    class OutcomesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    EXEMPLAR_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    exemplar_id: str
    text: str
    similarity: float
    weight: float
    capability: str
    difficulty: float
    outcomes: _containers.ScalarMap[str, float]
    def __init__(self, exemplar_id: _Optional[str] = ..., text: _Optional[str] = ..., similarity: _Optional[float] = ..., weight: _Optional[float] = ..., capability: _Optional[str] = ..., difficulty: _Optional[float] = ..., outcomes: _Optional[_Mapping[str, float]] = ...) -> None: ...

class StageTimings(_message.Message):
    __slots__ = ("embed_us", "search_us", "estimate_us", "choose_us", "total_us")
    EMBED_US_FIELD_NUMBER: _ClassVar[int]
    SEARCH_US_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_US_FIELD_NUMBER: _ClassVar[int]
    CHOOSE_US_FIELD_NUMBER: _ClassVar[int]
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    embed_us: float
    search_us: float
    estimate_us: float
    choose_us: float
    total_us: float
    def __init__(self, embed_us: _Optional[float] = ..., search_us: _Optional[float] = ..., estimate_us: _Optional[float] = ..., choose_us: _Optional[float] = ..., total_us: _Optional[float] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("bundle_digest", "bundle_version", "policy", "policy_digest", "exploration_propensity", "explored", "server_version")
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    bundle_digest: str
    bundle_version: str
    policy: str
    policy_digest: str
    exploration_propensity: float
    explored: bool
    server_version: str
    def __init__(self, bundle_digest: _Optional[str] = ..., bundle_version: _Optional[str] = ..., policy: _Optional[str] = ..., policy_digest: _Optional[str] = ..., exploration_propensity: _Optional[float] = ..., explored: bool = ..., server_version: _Optional[str] = ...) -> None: ...

class Baseline(_message.Message):
    __slots__ = ("model", "success_probability", "cost_usd")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    model: str
    success_probability: float
    cost_usd: float
    def __init__(self, model: _Optional[str] = ..., success_probability: _Optional[float] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class RouteResponse(_message.Message):
    __slots__ = ("decision_id", "outcome", "model", "confidence", "margin", "familiarity", "candidates", "rejected", "relaxation", "capabilities", "difficulty", "degradations", "evidence", "rules_fired", "provenance", "timings", "input_tokens", "correlation_id", "baseline")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    RELAXATION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIRED_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    outcome: Outcome
    model: str
    confidence: float
    margin: float
    familiarity: float
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    rejected: _containers.RepeatedCompositeFieldContainer[Rejection]
    relaxation: Relaxation
    capabilities: _containers.RepeatedCompositeFieldContainer[CapabilityWeight]
    difficulty: float
    degradations: _containers.RepeatedCompositeFieldContainer[Degradation]
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    rules_fired: _containers.RepeatedScalarFieldContainer[str]
    provenance: Provenance
    timings: StageTimings
    input_tokens: int
    correlation_id: str
    baseline: Baseline
    def __init__(self, decision_id: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., model: _Optional[str] = ..., confidence: _Optional[float] = ..., margin: _Optional[float] = ..., familiarity: _Optional[float] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., rejected: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., relaxation: _Optional[_Union[Relaxation, _Mapping]] = ..., capabilities: _Optional[_Iterable[_Union[CapabilityWeight, _Mapping]]] = ..., difficulty: _Optional[float] = ..., degradations: _Optional[_Iterable[_Union[Degradation, _Mapping]]] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., rules_fired: _Optional[_Iterable[str]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., timings: _Optional[_Union[StageTimings, _Mapping]] = ..., input_tokens: _Optional[int] = ..., correlation_id: _Optional[str] = ..., baseline: _Optional[_Union[Baseline, _Mapping]] = ...) -> None: ...

class BatchRouteRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[RouteRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[RouteRequest, _Mapping]]] = ...) -> None: ...

class BatchRouteResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: RouteResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[RouteResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchRouteResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchRouteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchRouteResult, _Mapping]]] = ...) -> None: ...

class GetCatalogueRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCatalogueResponse(_message.Message):
    __slots__ = ("catalogue", "policies", "bundle_digest", "bundle_version", "embedder_id", "embedding_dimensions", "exemplar_count", "server_version")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDER_ID_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    EXEMPLAR_COUNT_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    catalogue: _catalogue_pb2.Catalogue
    policies: _policy_pb2.PolicySet
    bundle_digest: str
    bundle_version: str
    embedder_id: str
    embedding_dimensions: int
    exemplar_count: int
    server_version: str
    def __init__(self, catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., policies: _Optional[_Union[_policy_pb2.PolicySet, _Mapping]] = ..., bundle_digest: _Optional[str] = ..., bundle_version: _Optional[str] = ..., embedder_id: _Optional[str] = ..., embedding_dimensions: _Optional[int] = ..., exemplar_count: _Optional[int] = ..., server_version: _Optional[str] = ...) -> None: ...
