"""What happens when a bundle is not in order: rows of the table in server/README.md."""

import json
import os
import shutil

import grpc
import pytest

import failure_bundles as bundles
import harness

FAILED = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture(scope="module")
def link(bundle, tmp_path_factory):
    """The path that `reloading` serves from: a symlink, as a release moves it."""
    path = tmp_path_factory.mktemp("release") / "current"
    path.symlink_to(bundle)
    return path


@pytest.fixture(scope="module")
def reloading(link, tmp_path_factory, draining):
    """A server that watches `link`."""
    server = harness.Server(link, tmp_path_factory.mktemp("server"), bundle_poll_ms=200)
    draining.append(server)
    return server


@pytest.fixture(scope="module")
def still(bundle, tmp_path_factory, draining):
    """A server that watches nothing, so that no change but those asked for comes in between."""
    server = harness.Server(bundle, tmp_path_factory.mktemp("server"), bundle_poll_ms=0)
    draining.append(server)
    return server


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    return bundles.SigningKey(directory, "trusted"), bundles.SigningKey(directory, "stranger")


@pytest.fixture(scope="module")
def signed_bundle(bundle, keys, tmp_path_factory):
    trusted, _ = keys
    return trusted.sign(bundles.copy(bundle, tmp_path_factory.mktemp("signed") / "bundle"))


@pytest.fixture(scope="module")
def demanding(signed_bundle, keys, tmp_path_factory, draining):
    """A server that serves signed bundles only."""
    server = harness.Server(
        signed_bundle, tmp_path_factory.mktemp("server"), trusted_keys_file=keys[0].public,
        bundle_poll_ms=0,
    )
    draining.append(server)
    return server


@pytest.fixture
def status(api, admin):
    def get(server):
        return admin(server).GetStatus(api.admin.GetStatusRequest(), timeout=5)

    return get


@pytest.fixture
def refused_activation(api, admin, connect, status, refusal):
    """Asks a server for a bundle that it must refuse; what it says to that."""

    def activate(server, path, **fields):
        before = status(server)
        failures = server.metric("pointsman_bundle_reloads_total", result="failed")
        request = api.admin.ActivateBundleRequest(path=str(path), **fields)
        code, message, _ = refusal(lambda: admin(server).ActivateBundle(request, timeout=30))
        assert code == FAILED

        # The old bundle stays; metric, status and log say why.
        after = status(server)
        assert after.state == api.admin.SERVER_STATE_SERVING
        assert after.bundle == before.bundle
        assert after.reloads[0].source == str(path) and after.reloads[0].error == message
        assert server.metric("pointsman_bundle_reloads_total", result="failed") == failures + 1
        logged = server.log_records("ERROR")[-1]
        assert logged["source"] == str(path) and logged["error"] == message
        response = connect(server).Route(api.router.RouteRequest(text="hello"))
        assert response.provenance.bundle_digest == before.bundle.digest
        return message

    return activate


# The watched path


def test_corrupt_bundle_on_reload(api, reloading, link, bundle, status, connect, tmp_path):
    broken = bundles.copy(bundle, tmp_path / "broken")
    bundles.flip_a_bit(broken / "calibration.binpb")
    digest = status(reloading).bundle.digest
    bundles.point(link, broken)
    failed = harness.eventually(
        lambda: [r for r in status(reloading).reloads if "calibration.binpb" in r.error]
    )
    assert failed[0].source == str(link)
    assert reloading.metric("pointsman_bundle_reloads_total", result="failed") >= 1
    assert any("calibration.binpb" in r.get("error", "") for r in reloading.log_records("ERROR"))
    assert status(reloading).bundle.digest == digest
    response = connect(reloading).Route(api.router.RouteRequest(text="hello"))
    assert response.provenance.bundle_digest == digest
    bundles.point(link, bundle)


def test_symlink_dangles_for_a_while(
    api, reloading, link, bundle, other_bundle, status, connect, tmp_path
):
    router = connect(reloading)
    before = reloading.metric("pointsman_bundle_reloads_total", result="failed")
    bundles.point(link, tmp_path / "gone")
    harness.eventually(
        lambda: reloading.metric("pointsman_bundle_reloads_total", result="failed") > before
    )
    assert router.Route(api.router.RouteRequest(text="hello"), timeout=5).model
    bundles.point(link, other_bundle)
    harness.eventually(lambda: status(reloading).bundle.version == "other")
    bundles.point(link, bundle)
    harness.eventually(lambda: status(reloading).bundle.version == "")


def test_bundle_that_is_still_being_copied(
    api, reloading, link, bundle, other_bundle, status, connect, tmp_path
):
    router = connect(reloading)
    slow = tmp_path / "slow"
    slow.mkdir()
    bundles.point(link, slow)
    for file in sorted(other_bundle.iterdir(), reverse=True):
        half = file.read_bytes()[: file.stat().st_size // 2]
        bundles.replace(slow / file.name, half)
        assert router.Route(api.router.RouteRequest(text="hello"), timeout=5).model
        shutil.copyfile(file, slow / file.name)
    harness.eventually(lambda: status(reloading).bundle.version == "other")
    bundles.point(link, bundle)
    harness.eventually(lambda: status(reloading).bundle.version == "")


def test_bundle_deleted_while_it_is_served(api, start_server, bundle, status, connect, tmp_path):
    served = bundles.copy(bundle, tmp_path / "served")
    server = start_server(bundle=served, bundle_poll_ms=100)
    shutil.rmtree(served)
    harness.eventually(lambda: any("served" in r.error for r in status(server).reloads))
    response = connect(server).Route(api.router.RouteRequest(text="hello"), timeout=5)
    assert response.provenance.bundle_digest == status(server).bundle.digest != ""


# Bundles that ActivateBundle names


def test_any_file_corrupt_on_activation(bundle, still, refused_activation, tmp_path):
    for name in sorted(file.name for file in bundle.iterdir()):
        broken = bundles.copy(bundle, tmp_path / f"broken-{name}")
        bundles.flip_a_bit(broken / name)
        message = refused_activation(still, broken)
        assert name in message


def test_truncated_bundle_on_activation(bundle, still, refused_activation, tmp_path):
    for name in sorted(file.name for file in bundle.iterdir()):
        cut = bundles.copy(bundle, tmp_path / f"cut-{name}")
        bundles.replace(cut / name, (cut / name).read_bytes()[:-1])
        message = refused_activation(still, cut)
        assert name in message


def test_bundle_of_another_format(bundle, still, refused_activation, tmp_path):
    for version in (0, 2):
        other = bundles.copy(bundle, tmp_path / f"format-{version}")
        manifest = json.loads((other / "manifest.json").read_text())
        manifest["format_version"] = version
        bundles.replace(other / "manifest.json", json.dumps(manifest).encode())
        message = refused_activation(still, other)
        assert f"format_version must be 1, is {version}" in message


def test_bundle_with_a_file_that_is_none_of_its_own(
    bundle, still, refused_activation, tmp_path
):
    other = bundles.copy(bundle, tmp_path / "with-more")
    (other / "notes.txt").write_text("remember the milk")
    message = refused_activation(still, other)
    assert "notes.txt" in message


def test_activation_of_a_missing_path(still, refused_activation, tmp_path):
    message = refused_activation(still, tmp_path / "absent")
    assert "absent" in message


def test_activation_of_what_is_no_directory(still, refused_activation, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # who opened it to read would wait for ever
    message = refused_activation(still, pipe)
    assert "pipe" in message


def test_activation_with_another_digest_than_expected(other_bundle, still, refused_activation):
    message = refused_activation(still, other_bundle, expected_digest="0" * 64)
    assert "0" * 64 in message


def test_activation_that_asks_for_nothing(api, still, admin, refusal):
    for field, request in {
        "path": api.admin.ActivateBundleRequest(),
        "expected_digest": api.admin.ActivateBundleRequest(path="x", expected_digest="abc"),
    }.items():
        code, _, fields = refusal(lambda r=request: admin(still).ActivateBundle(r))
        assert code == grpc.StatusCode.INVALID_ARGUMENT and list(fields) == [field]


def test_dry_run_of_a_corrupt_bundle(api, still, bundle, admin, status, refusal, tmp_path):
    broken = bundles.copy(bundle, tmp_path / "dry")
    bundles.flip_a_bit(broken / "vectors.faiss")
    request = api.admin.ActivateBundleRequest(path=str(broken), dry_run=True)
    before = status(still)
    code, message, _ = refusal(lambda: admin(still).ActivateBundle(request))
    assert code == FAILED and "vectors.faiss" in message
    after = status(still)
    assert after.bundle == before.bundle and after.reloads == before.reloads


def test_rollback_with_nothing_to_roll_back_to(api, start_server, admin, status, refusal):
    server = start_server()
    before = status(server).bundle
    code, message, _ = refusal(lambda: admin(server).Rollback(api.admin.RollbackRequest()))
    assert code == FAILED
    assert "no bundle was in service before" in message
    assert status(server).bundle == before


def test_rollback_to_another_digest_than_expected(
    api, start_server, other_bundle, admin, status, refusal
):
    server = start_server(bundle_poll_ms=0)
    first = status(server).bundle
    stub = admin(server)
    stub.ActivateBundle(api.admin.ActivateBundleRequest(path=str(other_bundle)))
    request = api.admin.RollbackRequest(expected_digest="f" * 64)
    code, message, _ = refusal(lambda: stub.Rollback(request))
    assert code == FAILED and first.digest in message
    assert status(server).bundle.version == "other"
    back = stub.Rollback(api.admin.RollbackRequest(expected_digest=first.digest))
    assert back.bundle.digest == status(server).bundle.digest == first.digest


# Signatures


def test_unsigned_bundle_where_signatures_are_demanded(
    bundle, keys, demanding, refused_activation, tmp_path
):
    message = refused_activation(demanding, bundle)
    assert "signature.json" in message
    code, log = harness.refused_start(tmp_path, bundle=bundle, trusted_keys_file=keys[0].public)
    assert code == 1 and "signature.json" in log


def test_wrongly_signed_bundle_on_reload(bundle, keys, demanding, refused_activation, tmp_path):
    _, stranger = keys
    signed = stranger.sign(bundles.copy(bundle, tmp_path / "strange"))
    message = refused_activation(demanding, signed)
    assert stranger.id in message


def test_signature_of_another_bundle(
    signed_bundle, other_bundle, demanding, refused_activation, tmp_path
):
    mixed = bundles.copy(other_bundle, tmp_path / "mixed")
    shutil.copyfile(signed_bundle / "signature.json", mixed / "signature.json")
    message = refused_activation(demanding, mixed)
    assert "signature.json" in message


def test_signed_bundle_names_its_signer_in_status(demanding, keys, status):
    assert status(demanding).bundle.signed_by == keys[0].id


def test_trusted_keys_file_without_a_public_key(signed_bundle, keys, tmp_path):
    empty = tmp_path / "empty.pub"
    empty.touch()
    for file in (empty, keys[0].private, tmp_path / "absent.pub"):
        code, log = harness.refused_start(tmp_path, bundle=signed_bundle, trusted_keys_file=file)
        assert code == 1 and file.name in log
        assert "SERVING" not in log


# Where it comes from


def test_bundle_url_without_digest_or_keys(tmp_path):
    code, message = harness.refused_start(
        tmp_path, bundle_url="https://127.0.0.1:1/bundle.tar", bundle_cache_directory=tmp_path
    )
    assert code == 2
    assert "bundle_url: needs bundle_url_digest or trusted_keys_file" in message


def test_bundle_from_two_places(bundle, tmp_path):
    code, message = harness.refused_start(
        tmp_path, bundle=bundle, bundle_url="https://127.0.0.1:1/bundle.tar",
        bundle_url_digest="0" * 64, bundle_cache_directory=tmp_path,
    )
    assert code == 2
    assert "bundle_url: a bundle comes from one place" in message
