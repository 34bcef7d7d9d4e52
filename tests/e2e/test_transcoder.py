"""HTTP/JSON and gRPC-Web through a real Envoy (deploy/envoy/edge.yaml) to a real server."""

import base64
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys

import grpc
import jsonschema
import openapi_spec_validator
import pytest
import yaml

import certificates
import harness
from mesh_parts import certificate_files, envoy

ENVOY_FILES = harness.REPOSITORY / "deploy" / "envoy"
JSON = {"content-type": "application/json"}
ORIGIN = "https://app.example.com"


@pytest.fixture(scope="session")
def mesh_directory(tmp_path_factory):
    """Stands for /etc/pointsman."""
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="session")
def mesh_certificates(mesh_directory):
    return certificate_files.MeshCertificates(mesh_directory)


@pytest.fixture(scope="session")
def edge(bundle, mesh_directory, mesh_certificates, draining):
    """An Envoy at the edge of one server that demands mTLS."""
    if envoy.find() is None:
        pytest.skip("no Envoy: set POINTSMAN_ENVOY")
    (mesh_directory / "server").mkdir()
    server = harness.Server(bundle, mesh_directory / "server", **mesh_certificates.server_settings)
    draining.append(server)
    with envoy.Envoy("edge", mesh_directory, [server.grpc_port]) as running:
        running.wait_until_healthy(server.grpc_port)
        yield running


@pytest.fixture
def call(edge, mesh_certificates):
    """One HTTP request: call("POST", "/v1/route", body) -> (status, headers, body as bytes)."""
    context = ssl.create_default_context(cafile=str(mesh_certificates.edge_authority))

    def call_edge(method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", edge.port, timeout=30, context=context)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    return call_edge


@pytest.fixture
def call_json(call):
    """The same with JSON both ways."""

    def call_edge(method, path, body=None):
        status, _, answer = call(method, path, None if body is None else json.dumps(body), JSON)
        return status, json.loads(answer)

    return call_edge


@pytest.fixture(scope="session")
def openapi():
    return yaml.safe_load((ENVOY_FILES / "openapi.yaml").read_text(encoding="utf-8"))


def validate(instance, document, schema):
    """Against a schema of the OpenAPI document; fields that it does not name are refused."""
    closed = json.loads(json.dumps(document["components"]))
    for definition in closed["schemas"].values():
        if "properties" in definition and "@type" not in definition["properties"]:
            definition["additionalProperties"] = False
    jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": closed}
    ).validate(instance)


@pytest.mark.parametrize("name", sorted(envoy.LISTENERS))
def test_the_configuration_is_valid(name, mesh_directory, mesh_certificates, tmp_path):
    if envoy.find() is None:
        pytest.skip("no Envoy: set POINTSMAN_ENVOY")
    shutil.copytree(mesh_directory / "tls", tmp_path / "tls")
    config = envoy.write_config(name, tmp_path)
    checked = harness.run(envoy.find(), "--mode", "validate", "-c", config, "--log-level", "warn")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "deprecated" not in checked.stdout + checked.stderr


def test_the_servers_are_treated_alike_in_all_configurations():
    def cluster(name):
        config = yaml.safe_load((ENVOY_FILES / f"{name}.yaml").read_text(encoding="utf-8"))
        return next(c for c in config["static_resources"]["clusters"] if c["name"] == "pointsman")

    assert cluster("edge") == cluster("sidecar") == cluster("ext_proc")


def test_the_generated_files_are_current():
    checked = harness.run(sys.executable, ENVOY_FILES / "make_descriptors", "--check")
    assert checked.returncode == 0, checked.stderr


def test_the_openapi_document_is_valid_and_so_are_its_examples(openapi):
    openapi_spec_validator.validate(openapi)
    seen = 0
    for path in openapi["paths"].values():
        for operation in path.values():
            parts = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (part["content"]["application/json"] for part in parts if part):
                for example in content.get("examples", {}).values():
                    validate(example["value"], openapi, content["schema"]["$ref"].rpartition("/")[2])
                    seen += 1
    assert seen >= 5


def curl_examples():
    """The examples of the README: the code it announces, and the command."""
    text = (ENVOY_FILES / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n# (\d{3}) [^\n]*\n(curl .*?)```", text, re.DOTALL)
    assert len(blocks) >= 6
    return [(int(status), command) for status, command in blocks]


@pytest.mark.parametrize("status,command", curl_examples())
def test_a_curl_example_of_the_readme_does_what_it_says(
    edge, mesh_certificates, tmp_path, status, command
):
    shutil.copy(mesh_certificates.edge_authority, tmp_path / "ca.crt")
    done = harness.run("bash", "-c", command, cwd=tmp_path, env={
        "PATH": "/usr/bin:/bin", "EDGE": f"https://localhost:{edge.port}", "KEY": "unused",
    })
    assert done.returncode == (0 if status < 400 else 22), done.stdout + done.stderr
    answer = json.loads(done.stdout)
    if status >= 400:
        assert answer["code"] and answer["message"]
    else:
        assert {"model", "results", "catalogue"} & set(answer)


def test_a_decision_as_json_is_as_the_document_says(call_json, openapi):
    request = {"text": "Prove that 7 is prime.", "explain": True, "inputTokens": "12"}
    status, answer = call_json("POST", "/v1/route", request)
    assert status == 200
    validate(answer, openapi, "RouteResponse")
    assert answer["outcome"] == "OUTCOME_CHOSEN" and answer["inputTokens"] == "12"
    assert answer["evidence"][0]["exemplarId"]
    # Without presence, hence there although empty.
    assert answer["correlationId"] == "" and answer["rulesFired"] == []


def test_no_choice_is_an_answer(call_json, openapi):
    status, answer = call_json("POST", "/v1/route", {"text": "hi", "limits": {"maxCostUsd": 0}})
    assert status == 200
    validate(answer, openapi, "RouteResponse")
    assert answer["outcome"] == "OUTCOME_INFEASIBLE" and answer["model"] == ""
    assert answer["relaxation"]["field"] == "limits.max_cost_usd"


def test_a_batch_keeps_order_and_a_bad_item_fails_alone(call_json, openapi):
    status, answer = call_json(
        "POST", "/v1/route:batch", {"requests": [{"text": "hi"}, {"text": "hi", "tradeoff": 7}]}
    )
    assert status == 200
    validate(answer, openapi, "BatchRouteResponse")
    good, bad = answer["results"]
    assert good["response"]["model"] and bad["error"]["code"] == 3
    assert bad["error"]["details"][0]["fieldViolations"][0]["field"].endswith("tradeoff")


def test_the_catalogue(call_json, openapi):
    status, answer = call_json("GET", "/v1/catalogue")
    assert status == 200
    validate(answer, openapi, "GetCatalogueResponse")
    assert [model["id"] for model in answer["catalogue"]["models"]][0] == "tiny"


def test_a_broken_bound_comes_back_with_the_field(call_json, openapi):
    status, answer = call_json("POST", "/v1/route", {"text": "hi", "tradeoff": 7})
    assert status == 400
    validate(answer, openapi, "Status")
    assert answer["code"] == 3
    detail = answer["details"][0]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert detail["fieldViolations"][0]["field"] == "tradeoff"
    assert "7" in detail["fieldViolations"][0]["description"]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'"text"', b'{"text": 1}', b'{"text": "hi"} {"text": "hi"}', b'{"text": "\xff"}',
    b'{"explain": "perhaps"}', b'{"tradeoff": "much"}', b'{"objective": "OBJECTIVE_NONE"}',
    b'{"text": "a", "conversation": {"turns": []}}', b"a=b",
])
def test_what_is_no_request_is_refused_with_400(call, openapi, body):
    status, headers, answer = call("POST", "/v1/route", body, JSON)
    assert status == 400 and headers["content-type"] == "application/json", answer
    validate(json.loads(answer), openapi, "Status")
    assert json.loads(answer)["code"] == 3 and json.loads(answer)["message"]


def test_unknown_fields_are_ignored(call_json):
    status, answer = call_json("POST", "/v1/route", {"text": "hi", "tradeof": 7})
    assert status == 200 and answer["model"]


@pytest.mark.parametrize("method,path,status", [
    ("POST", "/v1/route?tradeof=1", 400),
    ("POST", "/v1/route?text=other", 400),
    ("GET", "/v1/catalogue?verbose=1", 400),
    ("GET", "/v1/route", 404),
    ("POST", "/v1/catalogue", 404),
    ("POST", "/v1/routes", 404),
    ("POST", "/pointsman.v1.AdminService/Drain", 404),
    ("GET", "/", 404),
    ("POST", "/v1%2froute", 400),
])
def test_what_is_no_path_of_the_service(call, openapi, method, path, status):
    body = b'{"text": "hi"}' if method == "POST" else None
    actual, _, answer = call(method, path, body, JSON)
    assert actual == status
    validate(json.loads(answer), openapi, "Status")


def test_fields_of_a_request_may_stand_in_the_query(call_json):
    status, answer = call_json("POST", "/v1/route?policy=economy&tradeoff=0.9", {"text": "hi"})
    assert status == 200 and answer["provenance"]["policy"] == "economy"


def test_bodies_up_to_four_mebibytes_are_read(call):
    body = json.dumps({"text": "word " * 200_000}).encode()
    assert call("POST", "/v1/route", body, JSON)[0] == 200
    # Read, but longer than the server lets a text be.
    status, _, answer = call("POST", "/v1/route", json.dumps({"text": "a" * 4_194_000}), JSON)
    assert status == 400 and b"1048576" in answer


def test_longer_bodies_are_refused_before_they_are_sent(edge, mesh_certificates, openapi):
    context = ssl.create_default_context(cafile=str(mesh_certificates.edge_authority))
    connection = http.client.HTTPSConnection("127.0.0.1", edge.port, timeout=30, context=context)
    connection.putrequest("POST", "/v1/route")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "4194305")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    validate(json.loads(answer.read()), openapi, "Status")
    connection.close()


def test_without_a_healthy_server_the_answer_is_503(mesh_directory, mesh_certificates, openapi, tmp_path):
    if envoy.find() is None:
        pytest.skip("no Envoy: set POINTSMAN_ENVOY")
    shutil.copytree(mesh_directory / "tls", tmp_path / "tls")
    context = ssl.create_default_context(cafile=str(mesh_certificates.edge_authority))
    with envoy.Envoy("edge", tmp_path, []) as lonely:
        connection = http.client.HTTPSConnection("127.0.0.1", lonely.port, timeout=30, context=context)
        connection.request("POST", "/v1/route", b'{"text": "hi"}', JSON)
        answer = connection.getresponse()
        assert answer.status == 503
        status = json.loads(answer.read())
        validate(status, openapi, "Status")
        assert status["code"] == 14
        connection.close()


def test_keys_pass_the_edge_and_are_judged_by_the_server(start_server, tmp_path, openapi):
    if envoy.find() is None:
        pytest.skip("no Envoy: set POINTSMAN_ENVOY")
    files = certificate_files.MeshCertificates(tmp_path)
    digest = hashlib.sha256(b"good-key").hexdigest()
    clients = tmp_path / "clients.yaml"
    clients.write_text(f"clients: [{{name: shop, key_sha256: {digest}, scopes: [route]}}]\n")
    server = start_server(clients_file=clients, **files.server_settings)
    context = ssl.create_default_context(cafile=str(files.edge_authority))
    with envoy.Envoy("edge", tmp_path, [server.grpc_port]) as guarded:
        guarded.wait_until_healthy(server.grpc_port)
        connection = http.client.HTTPSConnection("127.0.0.1", guarded.port, timeout=30, context=context)

        def ask(path, body, **headers):
            connection.request("POST", path, json.dumps(body), JSON | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

        good = {"authorization": "Bearer good-key"}
        assert ask("/v1/route", {"text": "hi"}, **good)[0] == 200
        for expected, code, (status, answer) in [
            (401, 16, ask("/v1/route", {"text": "hi"})),
            (401, 16, ask("/v1/route", {"text": "hi"}, authorization="Bearer bad-key")),
            (403, 7, ask("/v1/route:batch", {"requests": [{"text": "hi"}]}, **good)),
        ]:
            assert (status, answer["code"]) == (expected, code)
            validate(answer, openapi, "Status")
        connection.close()


def test_a_load_balancer_in_front_sees_health(call):
    assert call("GET", "/healthz")[0] == 200


def test_native_grpc_goes_through_the_same_port(api, edge, mesh_certificates, open_channel):
    credentials = grpc.ssl_channel_credentials(mesh_certificates.edge_authority.read_bytes())
    channel = open_channel(edge.address, credentials)
    router = api.router_grpc.RouterServiceStub(channel)
    assert router.Route(api.router.RouteRequest(text="hi"), timeout=10).model
    with pytest.raises(grpc.RpcError) as caught:
        router.Route(api.router.RouteRequest(text="hi", tradeoff=7), timeout=10)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_an_edge_may_demand_certificates_of_callers_and_renews_its_own(
    bundle, start_server, tmp_path
):
    if envoy.find() is None:
        pytest.skip("no Envoy: set POINTSMAN_ENVOY")
    files = certificate_files.MeshCertificates(tmp_path)
    caller = files.callers.issue_client()
    certificates.write_atomically(tmp_path / "caller.crt", caller.pem)
    certificates.write_atomically(tmp_path / "caller.key", caller.key_pem)
    context = ssl.create_default_context(cafile=str(files.edge_authority))

    def serial_shown(port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as shown:
                shown.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                assert shown.recv(4096).startswith(b"HTTP/1.1 200")
                return int(shown.getpeercert()["serialNumber"], 16)

    server = start_server(**files.server_settings)
    demand = ("require_client_certificate: false", "require_client_certificate: true")
    with envoy.Envoy("edge", tmp_path, [server.grpc_port], [demand]) as strict:
        strict.wait_until_healthy(server.grpc_port)
        with pytest.raises(OSError):  # an alert, or the end of the connection
            serial_shown(strict.port)
        context.load_cert_chain(tmp_path / "caller.crt", tmp_path / "caller.key")
        first = serial_shown(strict.port)

        renewed, edge_files = files.callers.issue(), tmp_path / "tls" / "edge"
        certificates.write_atomically(edge_files / "tls.key", renewed.key_pem)
        assert serial_shown(strict.port) == first  # a key without its certificate changes nothing
        certificates.write_atomically(edge_files / "tls.crt", renewed.pem)
        harness.eventually(lambda: serial_shown(strict.port) != first)


def test_clients_that_watch_health_take_the_edge_for_healthy(edge, mesh_certificates, open_channel):
    credentials = grpc.ssl_channel_credentials(mesh_certificates.edge_authority.read_bytes())
    channel = open_channel(edge.address, credentials)
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
    with pytest.raises(grpc.RpcError) as caught:
        next(watch(b"", timeout=10))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


# gRPC-Web: frames of one byte of flags (bit 7: trailers), four of length, and the payload.


def frame(message):
    payload = message.SerializeToString()
    return b"\0" + len(payload).to_bytes(4, "big") + payload


def frames(body):
    while body:
        length = int.from_bytes(body[1:5], "big")
        yield body[0], body[5 : 5 + length]
        body = body[5 + length :]


def decode_text(body):
    """Base64 that may be padded in its middle, where a frame ended."""
    return b"".join(base64.b64decode(part) for part in re.findall(rb"[^=]+=*", body))


@pytest.mark.parametrize("kind,encode,decode", [
    ("application/grpc-web+proto", bytes, bytes),
    ("application/grpc-web-text+proto", base64.b64encode, decode_text),
])
def test_a_browser_gets_a_decision_over_grpc_web(api, call, kind, encode, decode):
    headers = {"content-type": kind, "accept": kind, "x-grpc-web": "1", "origin": ORIGIN}
    request = api.router.RouteRequest(text="Write a sonnet.")
    status, answer_headers, body = call(
        "POST", "/pointsman.v1.RouterService/Route", encode(frame(request)), headers
    )
    assert status == 200 and answer_headers["content-type"].startswith(kind.partition("+")[0])
    assert answer_headers["access-control-allow-origin"] == ORIGIN
    assert "grpc-status" in answer_headers["access-control-expose-headers"]
    (kind_of_first, message), (kind_of_last, trailers) = frames(decode(body))
    assert (kind_of_first, kind_of_last) == (0, 0x80)
    assert api.router.RouteResponse.FromString(message).model
    assert re.search(rb"grpc-status: ?0", trailers)


def test_an_error_over_grpc_web_bears_its_details(api, call):
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", "origin": ORIGIN}
    body = frame(api.router.RouteRequest(text="hi", tradeoff=7))
    status, answer, _ = call("POST", "/pointsman.v1.RouterService/Route", body, headers)
    assert status == 200 and answer["grpc-status"] == "3"
    details = answer["grpc-status-details-bin"]
    decoded = api.status.Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    violation = api.errors.BadRequest()
    assert decoded.details[0].Unpack(violation)
    assert violation.field_violations[0].field == "tradeoff"


@pytest.mark.parametrize("origin,allowed", [(ORIGIN, True), ("https://evil.example.com", False)])
def test_only_listed_web_origins_may_call(call, origin, allowed):
    status, headers, _ = call("OPTIONS", "/pointsman.v1.RouterService/Route", None, {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-grpc-web,authorization",
    })
    assert (headers.get("access-control-allow-origin") == origin) == allowed
    if allowed:
        assert status == 200 and "x-grpc-web" in headers["access-control-allow-headers"]
