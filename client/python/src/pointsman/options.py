"""How a client reaches a router: values whose defaults suit a sidecar on the same host."""

from __future__ import annotations

import ipaddress
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

from pointsman._version import __version__

DEFAULT_TARGET = "127.0.0.1:7431"
"""Where a router listens unless told otherwise."""

_MAX_ATTEMPTS = 5  # gRPC silently cuts larger values to this


@dataclass(frozen=True)
class Tls:
    """Certificates as PEM. With nothing given: TLS with the roots of the system."""

    root_certificates: bytes | None = None
    certificate_chain: bytes | None = None
    """With `private_key`: the client's own identity (mTLS)."""
    private_key: bytes | None = field(default=None, repr=False)
    server_name: str = ""
    """Name that the server's certificate must carry; empty: the host of the target."""

    @classmethod
    def from_files(
        cls,
        root_certificates: str | os.PathLike[str] | None = None,
        certificate_chain: str | os.PathLike[str] | None = None,
        private_key: str | os.PathLike[str] | None = None,
        server_name: str = "",
    ) -> Tls:
        """Read PEM files; OSError names the one that cannot be read."""

        def read(path: str | os.PathLike[str] | None) -> bytes | None:
            return None if path is None else Path(path).read_bytes()

        return cls(read(root_certificates), read(certificate_chain), read(private_key), server_name)


@dataclass(frozen=True)
class Retry:
    """How a call is tried again. Times in seconds.

    Only UNAVAILABLE is retried: it says that the request was not worked on, or that another replica
    should be asked. An overloaded router (RESOURCE_EXHAUSTED) is left alone.
    """

    max_attempts: int = 4
    """1 to 5, the first one included; 1: no retry."""
    initial_backoff: float = 0.05
    max_backoff: float = 1.0
    multiplier: float = 2.0


@dataclass(frozen=True)
class Options:
    """Everything about a connection. Times in seconds. Bounds are checked when a client is made."""

    target: str = DEFAULT_TARGET
    """A gRPC target: host:port, dns:///name:port, ipv4:a:1,b:2, unix:/path."""
    tls: Tls | None = None
    """None: plaintext."""
    api_key: str = field(default="", repr=False)
    """Sent as `authorization: Bearer KEY`; empty: none."""
    allow_api_key_without_tls: bool = False
    """A key over plaintext can be read on the way, so it is refused beyond this host unless a proxy
    is known to encrypt."""
    timeout: float = 2.0
    """Of a call that names none, retries included."""
    retry: Retry = Retry()
    balance_by_health: bool = True
    """Leave out replicas that report NOT_SERVING, as one that drains does; spread calls over the
    others."""
    keepalive_interval: float = 330.0
    """Finds dead connections between calls. gRPC servers cut off clients that ping more often than
    every five minutes, unless configured otherwise."""
    keepalive_timeout: float = 20.0
    max_response_bytes: int = 64 << 20
    """A batch that explains carries many texts of exemplars."""

    def check(self) -> None:
        """ValueError says which option is out of which bound."""
        retry = self.retry
        if not self.target:
            raise ValueError("target must name a host and port; it is empty")
        check_timeout(self.timeout, "the deadline (timeout)")
        if not 1 <= retry.max_attempts <= _MAX_ATTEMPTS:
            raise ValueError(
                f"retry.max_attempts must be 1 to {_MAX_ATTEMPTS}; it is {retry.max_attempts}"
            )
        if not 0 < retry.initial_backoff <= retry.max_backoff < math.inf:
            raise ValueError(
                "retry needs 0 < initial_backoff <= max_backoff; they are "
                f"{retry.initial_backoff} s and {retry.max_backoff} s"
            )
        if not 0 < retry.multiplier < math.inf:
            raise ValueError(f"retry.multiplier must be > 0; it is {retry.multiplier}")
        for name in ("keepalive_interval", "keepalive_timeout", "max_response_bytes"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be > 0; it is {getattr(self, name)}")
        if self.tls and bool(self.tls.certificate_chain) != bool(self.tls.private_key):
            raise ValueError(
                "a client certificate and its private key must be given together; one is missing"
            )
        is_exposed = (
            self.api_key
            and self.tls is None
            and not self.allow_api_key_without_tls
            and not is_same_host(self.target)
        )
        if is_exposed:
            raise ValueError(
                f"an API key would be sent to {self.target} in plaintext; use TLS, or "
                "allow_api_key_without_tls where a proxy encrypts"
            )


def is_same_host(target: str) -> bool:
    """Tell whether every address that a gRPC target may lead to is on this host.

    By the address and not by how it begins: 127.0.0.1.example is a name that anybody can register.
    """
    scheme, _, rest = target.partition(":")
    if scheme in ("unix", "unix-abstract"):
        return True
    if scheme in ("ipv4", "ipv6"):
        return all(map(_is_loopback, rest.split(",")))
    if scheme == "dns":  # dns://RESOLVER/NAME or dns:NAME
        target = rest.removeprefix("//").partition("/")[2] if rest.startswith("//") else rest
    return _is_loopback(target)


def _is_loopback(address: str) -> bool:
    if address.startswith("["):
        host = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        host = address.partition(":")[0]
    else:
        host = address
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_timeout(seconds: float, name: str = "the deadline (timeout) of a call") -> None:
    """ValueError unless it is a time that a call can have."""
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be > 0 s and finite; it is {seconds} s")


def service_config(options: Options, *, balance_by_health: bool) -> str:
    """Give the gRPC service config (JSON) that carries the retry policy and the health check."""
    method: dict[str, Any] = {"name": [{"service": "pointsman.v1.RouterService"}]}
    if options.retry.max_attempts > 1:
        method["retryPolicy"] = {
            "maxAttempts": options.retry.max_attempts,
            "initialBackoff": f"{options.retry.initial_backoff:.3f}s",
            "maxBackoff": f"{options.retry.max_backoff:.3f}s",
            "backoffMultiplier": options.retry.multiplier,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    config: dict[str, Any] = {"methodConfig": [method]}
    if balance_by_health:
        config["loadBalancingConfig"] = [{"round_robin": {}}]
        config["healthCheckConfig"] = {"serviceName": ""}
    return json.dumps(config)


def channel_arguments(options: Options, *, balance_by_health: bool) -> list[tuple[str, Any]]:
    """Arguments of a gRPC channel, sync or asyncio."""
    arguments: list[tuple[str, Any]] = [
        ("grpc.service_config", service_config(options, balance_by_health=balance_by_health)),
        ("grpc.primary_user_agent", f"pointsman-python/{__version__}"),
        ("grpc.max_receive_message_length", options.max_response_bytes),
        ("grpc.keepalive_time_ms", int(options.keepalive_interval * 1000)),
        ("grpc.keepalive_timeout_ms", int(options.keepalive_timeout * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        # A connection of its own: with another's connection come its options.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if options.tls and options.tls.server_name:
        arguments.append(("grpc.ssl_target_name_override", options.tls.server_name))
    return arguments


def call_metadata(options: Options) -> list[tuple[str, str]]:
    """Metadata that goes with each call."""
    return [("authorization", f"Bearer {options.api_key}")] if options.api_key else []
