from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Model(_message.Message):
    __slots__ = ("id", "display_name", "provider", "input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok", "context_window_tokens", "max_output_tokens", "features", "tags", "output_tokens_per_second", "time_to_first_token_ms", "verbosity", "skills", "default_skill", "source")
    class SkillsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    INPUT_USD_PER_MTOK_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_USD_PER_MTOK_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_USD_PER_MTOK_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_WINDOW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    VERBOSITY_FIELD_NUMBER: _ClassVar[int]
    SKILLS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_SKILL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    display_name: str
    provider: str
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_input_usd_per_mtok: float
    context_window_tokens: int
    max_output_tokens: int
    features: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    output_tokens_per_second: float
    time_to_first_token_ms: float
    verbosity: float
    skills: _containers.ScalarMap[str, float]
    default_skill: float
    source: str
    def __init__(self, id: _Optional[str] = ..., display_name: _Optional[str] = ..., provider: _Optional[str] = ..., input_usd_per_mtok: _Optional[float] = ..., output_usd_per_mtok: _Optional[float] = ..., cached_input_usd_per_mtok: _Optional[float] = ..., context_window_tokens: _Optional[int] = ..., max_output_tokens: _Optional[int] = ..., features: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., output_tokens_per_second: _Optional[float] = ..., time_to_first_token_ms: _Optional[float] = ..., verbosity: _Optional[float] = ..., skills: _Optional[_Mapping[str, float]] = ..., default_skill: _Optional[float] = ..., source: _Optional[str] = ...) -> None: ...

class Capability(_message.Message):
    __slots__ = ("id", "description", "typical_output_tokens")
    ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPICAL_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    id: str
    description: str
    typical_output_tokens: float
    def __init__(self, id: _Optional[str] = ..., description: _Optional[str] = ..., typical_output_tokens: _Optional[float] = ...) -> None: ...

class Catalogue(_message.Message):
    __slots__ = ("models", "capabilities", "skill_slope")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SKILL_SLOPE_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    capabilities: _containers.RepeatedCompositeFieldContainer[Capability]
    skill_slope: float
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., capabilities: _Optional[_Iterable[_Union[Capability, _Mapping]]] = ..., skill_slope: _Optional[float] = ...) -> None: ...
