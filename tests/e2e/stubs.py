"""Python stubs of the API, generated into a directory and imported from there."""

import importlib
import importlib.resources
import sys
import types

from grpc_tools import protoc

import harness


def load(directory):
    """The generated modules: .router, .router_grpc, .admin, .admin_grpc, .errors, ... Once a process:
    protobuf refuses a second copy of the same messages."""
    protos = harness.REPOSITORY / "proto"
    files = [str(p) for p in sorted(protos.glob("pointsman/v1/*.proto"))]
    files += [str(p) for p in sorted(protos.glob("google/rpc/*.proto"))]
    arguments = [f"-I{protos}", f"--python_out={directory}", f"--grpc_python_out={directory}", *files]
    # grpc_tools' own directory holds the well-known types, such as google/protobuf/any.proto.
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    if protoc.main(["protoc", f"-I{well_known}", *arguments]) != 0:
        raise RuntimeError(f"protoc failed on {protos}")
    sys.path.insert(0, str(directory))
    return types.SimpleNamespace(
        router=importlib.import_module("pointsman.v1.router_pb2"),
        router_grpc=importlib.import_module("pointsman.v1.router_pb2_grpc"),
        admin=importlib.import_module("pointsman.v1.admin_pb2"),
        admin_grpc=importlib.import_module("pointsman.v1.admin_pb2_grpc"),
        decision_log=importlib.import_module("pointsman.v1.decision_log_pb2"),
        catalogue=importlib.import_module("pointsman.v1.catalogue_pb2"),
        policy=importlib.import_module("pointsman.v1.policy_pb2"),
        errors=importlib.import_module("google.rpc.error_details_pb2"),
        status=importlib.import_module("google.rpc.status_pb2"),
    )
