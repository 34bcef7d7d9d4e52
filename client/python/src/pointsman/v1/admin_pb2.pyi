import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVER_STATE_UNSPECIFIED: _ClassVar[ServerState]
    SERVER_STATE_STARTING: _ClassVar[ServerState]
    SERVER_STATE_SERVING: _ClassVar[ServerState]
    SERVER_STATE_DRAINING: _ClassVar[ServerState]
SERVER_STATE_UNSPECIFIED: ServerState
SERVER_STATE_STARTING: ServerState
SERVER_STATE_SERVING: ServerState
SERVER_STATE_DRAINING: ServerState

class BundleStatus(_message.Message):
    __slots__ = ("digest", "version", "path", "activated_at", "exemplar_count", "embedder_id", "signed_by")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXEMPLAR_COUNT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDER_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    digest: str
    version: str
    path: str
    activated_at: _timestamp_pb2.Timestamp
    exemplar_count: int
    embedder_id: str
    signed_by: str
    def __init__(self, digest: _Optional[str] = ..., version: _Optional[str] = ..., path: _Optional[str] = ..., activated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exemplar_count: _Optional[int] = ..., embedder_id: _Optional[str] = ..., signed_by: _Optional[str] = ...) -> None: ...

class ReloadAttempt(_message.Message):
    __slots__ = ("finished_at", "source", "digest", "error")
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    finished_at: _timestamp_pb2.Timestamp
    source: str
    digest: str
    error: str
    def __init__(self, finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., digest: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("state", "server_version", "uptime", "bundle", "previous_bundle", "reloads", "requests_in_flight", "loading")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    RELOADS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LOADING_FIELD_NUMBER: _ClassVar[int]
    state: ServerState
    server_version: str
    uptime: _duration_pb2.Duration
    bundle: BundleStatus
    previous_bundle: BundleStatus
    reloads: _containers.RepeatedCompositeFieldContainer[ReloadAttempt]
    requests_in_flight: int
    loading: str
    def __init__(self, state: _Optional[_Union[ServerState, str]] = ..., server_version: _Optional[str] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., bundle: _Optional[_Union[BundleStatus, _Mapping]] = ..., previous_bundle: _Optional[_Union[BundleStatus, _Mapping]] = ..., reloads: _Optional[_Iterable[_Union[ReloadAttempt, _Mapping]]] = ..., requests_in_flight: _Optional[int] = ..., loading: _Optional[str] = ...) -> None: ...

class ActivateBundleRequest(_message.Message):
    __slots__ = ("path", "expected_digest", "dry_run")
    PATH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    path: str
    expected_digest: str
    dry_run: bool
    def __init__(self, path: _Optional[str] = ..., expected_digest: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class DecisionChange(_message.Message):
    __slots__ = ("golden_id", "model_before", "model_after", "error_after")
    GOLDEN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_BEFORE_FIELD_NUMBER: _ClassVar[int]
    MODEL_AFTER_FIELD_NUMBER: _ClassVar[int]
    ERROR_AFTER_FIELD_NUMBER: _ClassVar[int]
    golden_id: str
    model_before: str
    model_after: str
    error_after: str
    def __init__(self, golden_id: _Optional[str] = ..., model_before: _Optional[str] = ..., model_after: _Optional[str] = ..., error_after: _Optional[str] = ...) -> None: ...

class ActivateBundleResponse(_message.Message):
    __slots__ = ("bundle", "activated", "decisions_compared", "decisions_changed", "golden_compared", "golden_changed", "changes")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_COMPARED_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    GOLDEN_COMPARED_FIELD_NUMBER: _ClassVar[int]
    GOLDEN_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    bundle: BundleStatus
    activated: bool
    decisions_compared: int
    decisions_changed: int
    golden_compared: int
    golden_changed: int
    changes: _containers.RepeatedCompositeFieldContainer[DecisionChange]
    def __init__(self, bundle: _Optional[_Union[BundleStatus, _Mapping]] = ..., activated: bool = ..., decisions_compared: _Optional[int] = ..., decisions_changed: _Optional[int] = ..., golden_compared: _Optional[int] = ..., golden_changed: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[DecisionChange, _Mapping]]] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("expected_digest",)
    EXPECTED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    expected_digest: str
    def __init__(self, expected_digest: _Optional[str] = ...) -> None: ...

class RollbackResponse(_message.Message):
    __slots__ = ("bundle",)
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    bundle: BundleStatus
    def __init__(self, bundle: _Optional[_Union[BundleStatus, _Mapping]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("grace_period",)
    GRACE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    grace_period: _duration_pb2.Duration
    def __init__(self, grace_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("requests_in_flight",)
    REQUESTS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    requests_in_flight: int
    def __init__(self, requests_in_flight: _Optional[int] = ...) -> None: ...
