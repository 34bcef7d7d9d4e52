"""Our part of Envoy's protos, and how the server shows it."""

import subprocess
import sys

from google.protobuf import descriptor_pb2

from ext_proc_exchange import (  # noqa: F401  fixtures among them
    FILES, PACKAGE, envoy_files, servers,
)

PUBLISHED = """
import sys
from google.protobuf import descriptor_pb2
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2
from envoy.type.v3 import http_status_pb2
files = descriptor_pb2.FileDescriptorSet()
for module in (external_processor_pb2, base_pb2, http_status_pb2):
    files.file.add().ParseFromString(module.DESCRIPTOR.serialized_pb)
sys.stdout.buffer.write(files.SerializeToString())
"""


def test_our_part_of_the_protos_is_wire_compatible_with_the_published_whole(envoy_files):
    # In a process of its own: a pool takes only one definition of a file.
    output = subprocess.run(
        [sys.executable, "-c", PUBLISHED], capture_output=True, check=True, timeout=60
    ).stdout
    published = {f.name: f for f in descriptor_pb2.FileDescriptorSet.FromString(output).file}
    compared = 0

    def compare(ours, theirs, where):
        nonlocal compared
        names = {field.name: field for field in theirs.field}
        for field in ours.field:
            other = names[field.name]
            for attribute in ("number", "type", "label", "type_name", "proto3_optional"):
                assert getattr(field, attribute) == getattr(other, attribute), (where, field.name)
            assert field.HasField("oneof_index") == other.HasField("oneof_index")
            if field.HasField("oneof_index"):
                mine = ours.oneof_decl[field.oneof_index].name
                assert mine == theirs.oneof_decl[other.oneof_index].name, (where, field.name)
            compared += 1
        for message in ours.nested_type:
            compare(message, {m.name: m for m in theirs.nested_type}[message.name], message.name)
        compare_enums(ours.enum_type, theirs.enum_type)

    def compare_enums(ours, theirs):
        nonlocal compared
        for enum in ours:
            other = {e.name: e for e in theirs}[enum.name]
            values = {value.name: value.number for value in other.value}
            for value in enum.value:
                assert values[value.name] == value.number, (enum.name, value.name)
                compared += 1

    for name, ours in envoy_files.items():
        theirs = published[name]
        assert (ours.package, ours.syntax) == (theirs.package, theirs.syntax)
        for message in ours.message_type:
            compare(message, {m.name: m for m in theirs.message_type}[message.name], message.name)
        compare_enums(ours.enum_type, theirs.enum_type)
        for service in ours.service:
            assert service in [strip_options(s) for s in theirs.service]
    assert compared > 40


def strip_options(service):
    stripped = descriptor_pb2.ServiceDescriptorProto.FromString(service.SerializeToString())
    stripped.ClearField("options")
    for method in stripped.method:
        method.ClearField("options")
    return stripped


def test_reflection_shows_the_service_where_it_is_on(servers, server, open_channel):
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )

    on = ProtoReflectionDescriptorDatabase(open_channel(servers().address))
    assert f"{PACKAGE}.ExternalProcessor" in on.get_services()
    file = on.FindFileContainingSymbol(f"{PACKAGE}.ExternalProcessor")
    assert file.name == f"envoy/{FILES[0]}.proto"
    off = ProtoReflectionDescriptorDatabase(open_channel(server.address))
    assert f"{PACKAGE}.ExternalProcessor" not in off.get_services()
