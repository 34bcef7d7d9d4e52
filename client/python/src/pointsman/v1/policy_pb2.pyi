from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Objective(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECTIVE_UNSPECIFIED: _ClassVar[Objective]
    OBJECTIVE_BEST_VALUE: _ClassVar[Objective]
    OBJECTIVE_CHEAPEST_GOOD_ENOUGH: _ClassVar[Objective]
    OBJECTIVE_MOST_CAPABLE_WITHIN: _ClassVar[Objective]

class UnfamiliarAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNFAMILIAR_ACTION_UNSPECIFIED: _ClassVar[UnfamiliarAction]
    UNFAMILIAR_ACTION_PRIOR: _ClassVar[UnfamiliarAction]
    UNFAMILIAR_ACTION_FALLBACK: _ClassVar[UnfamiliarAction]
    UNFAMILIAR_ACTION_ABSTAIN: _ClassVar[UnfamiliarAction]
OBJECTIVE_UNSPECIFIED: Objective
OBJECTIVE_BEST_VALUE: Objective
OBJECTIVE_CHEAPEST_GOOD_ENOUGH: Objective
OBJECTIVE_MOST_CAPABLE_WITHIN: Objective
UNFAMILIAR_ACTION_UNSPECIFIED: UnfamiliarAction
UNFAMILIAR_ACTION_PRIOR: UnfamiliarAction
UNFAMILIAR_ACTION_FALLBACK: UnfamiliarAction
UNFAMILIAR_ACTION_ABSTAIN: UnfamiliarAction

class Limits(_message.Message):
    __slots__ = ("max_cost_usd", "max_latency_ms", "min_success_probability")
    MAX_COST_USD_FIELD_NUMBER: _ClassVar[int]
    MAX_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_SUCCESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    max_cost_usd: float
    max_latency_ms: float
    min_success_probability: float
    def __init__(self, max_cost_usd: _Optional[float] = ..., max_latency_ms: _Optional[float] = ..., min_success_probability: _Optional[float] = ...) -> None: ...

class RuleCondition(_message.Message):
    __slots__ = ("text_pattern", "capability", "min_capability_weight", "min_input_tokens", "max_input_tokens", "min_difficulty", "request_tag")
    TEXT_PATTERN_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    MIN_CAPABILITY_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    MIN_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MIN_DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TAG_FIELD_NUMBER: _ClassVar[int]
    text_pattern: str
    capability: str
    min_capability_weight: float
    min_input_tokens: int
    max_input_tokens: int
    min_difficulty: float
    request_tag: str
    def __init__(self, text_pattern: _Optional[str] = ..., capability: _Optional[str] = ..., min_capability_weight: _Optional[float] = ..., min_input_tokens: _Optional[int] = ..., max_input_tokens: _Optional[int] = ..., min_difficulty: _Optional[float] = ..., request_tag: _Optional[str] = ...) -> None: ...

class RuleAction(_message.Message):
    __slots__ = ("require_features", "require_tags", "only_models", "exclude_models", "prefer_models", "prefer_bonus", "switch_policy")
    REQUIRE_FEATURES_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_TAGS_FIELD_NUMBER: _ClassVar[int]
    ONLY_MODELS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_MODELS_FIELD_NUMBER: _ClassVar[int]
    PREFER_MODELS_FIELD_NUMBER: _ClassVar[int]
    PREFER_BONUS_FIELD_NUMBER: _ClassVar[int]
    SWITCH_POLICY_FIELD_NUMBER: _ClassVar[int]
    require_features: _containers.RepeatedScalarFieldContainer[str]
    require_tags: _containers.RepeatedScalarFieldContainer[str]
    only_models: _containers.RepeatedScalarFieldContainer[str]
    exclude_models: _containers.RepeatedScalarFieldContainer[str]
    prefer_models: _containers.RepeatedScalarFieldContainer[str]
    prefer_bonus: float
    switch_policy: str
    def __init__(self, require_features: _Optional[_Iterable[str]] = ..., require_tags: _Optional[_Iterable[str]] = ..., only_models: _Optional[_Iterable[str]] = ..., exclude_models: _Optional[_Iterable[str]] = ..., prefer_models: _Optional[_Iterable[str]] = ..., prefer_bonus: _Optional[float] = ..., switch_policy: _Optional[str] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("name", "when", "then", "stop")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    name: str
    when: RuleCondition
    then: RuleAction
    stop: bool
    def __init__(self, name: _Optional[str] = ..., when: _Optional[_Union[RuleCondition, _Mapping]] = ..., then: _Optional[_Union[RuleAction, _Mapping]] = ..., stop: bool = ...) -> None: ...

class Exploration(_message.Message):
    __slots__ = ("rate", "max_probability_loss")
    RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_PROBABILITY_LOSS_FIELD_NUMBER: _ClassVar[int]
    rate: float
    max_probability_loss: float
    def __init__(self, rate: _Optional[float] = ..., max_probability_loss: _Optional[float] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("name", "description", "objective", "tradeoff", "reference_cost_usd", "target_success_probability", "limits", "latency_target_ms", "latency_weight", "rules", "familiarity_floor", "on_unfamiliar", "fallback_model", "min_confidence", "exploration")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    TRADEOFF_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_COST_USD_FIELD_NUMBER: _ClassVar[int]
    TARGET_SUCCESS_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_TARGET_MS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    FAMILIARITY_FLOOR_FIELD_NUMBER: _ClassVar[int]
    ON_UNFAMILIAR_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_MODEL_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    objective: Objective
    tradeoff: float
    reference_cost_usd: float
    target_success_probability: float
    limits: Limits
    latency_target_ms: float
    latency_weight: float
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    familiarity_floor: float
    on_unfamiliar: UnfamiliarAction
    fallback_model: str
    min_confidence: float
    exploration: Exploration
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., objective: _Optional[_Union[Objective, str]] = ..., tradeoff: _Optional[float] = ..., reference_cost_usd: _Optional[float] = ..., target_success_probability: _Optional[float] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., latency_target_ms: _Optional[float] = ..., latency_weight: _Optional[float] = ..., rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ..., familiarity_floor: _Optional[float] = ..., on_unfamiliar: _Optional[_Union[UnfamiliarAction, str]] = ..., fallback_model: _Optional[str] = ..., min_confidence: _Optional[float] = ..., exploration: _Optional[_Union[Exploration, _Mapping]] = ...) -> None: ...

class PolicySet(_message.Message):
    __slots__ = ("policies", "default_policy")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_POLICY_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[Policy]
    default_policy: str
    def __init__(self, policies: _Optional[_Iterable[_Union[Policy, _Mapping]]] = ..., default_policy: _Optional[str] = ...) -> None: ...
