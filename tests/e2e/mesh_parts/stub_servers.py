"""gRPC servers that say they are healthy, and answer as a test wants."""

import concurrent.futures
import struct
import threading

import grpc

ROUTE = "/pointsman.v1.RouterService/Route"
CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}
# Field numbers of xds.data.orca.v3.OrcaLoadReport, doubles.
RPS_FRACTIONAL, APPLICATION_UTILIZATION = 6, 9


def load_report(calls_a_second, utilisation):
    """A serialised OrcaLoadReport."""
    fields = ((RPS_FRACTIONAL, calls_a_second), (APPLICATION_UTILIZATION, utilisation))
    return b"".join(bytes([number << 3 | 1]) + struct.pack("<d", value) for number, value in fields)


class StubServer(grpc.GenericRpcHandler):
    """Demands mTLS as a Pointsman server does. Refuses Route with UNAVAILABLE, or with `report` answers
    an empty decision that bears it."""

    def __init__(self, certificates, report=None):
        self._report = report
        self._lock = threading.Lock()
        self.calls = 0
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=(self,))
        files = certificates.server_settings
        credentials = grpc.ssl_server_credentials(
            [(files["tls_private_key_file"].read_bytes(), files["tls_certificate_file"].read_bytes())],
            files["tls_client_ca_file"].read_bytes(), require_client_auth=True,
        )
        self.grpc_port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def service(self, call_details):
        handlers = {ROUTE: self._route, CHECK: lambda request, context: SERVING}
        handler = handlers.get(call_details.method)
        return handler and grpc.unary_unary_rpc_method_handler(handler)

    def _route(self, request, context):
        with self._lock:
            self.calls += 1
        if self._report is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "this replica is out of order")
        context.set_trailing_metadata((("endpoint-load-metrics-bin", self._report),))
        return b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None).wait()
