"""pointsman catalogue and status, and what all subcommands share."""

import json
import re

import pytest

from cli import BAD_INPUT, FAILED, OK, UNREACHABLE, dead_address, pointsman

SUBCOMMANDS = ("route", "batch", "catalogue", "status")


def test_the_catalogue_is_a_table_of_models_capabilities_and_policies(server):
    result = pointsman(server.address, "catalogue")
    assert result.returncode == OK, result.stderr
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert re.search(r"north\s+0\.400\s+1\.600\s+128000\s+120\s+350\s+tools,json_schema",
                     rows["medium"])
    assert "unknown" in rows["in-house"]  # it has no prices
    assert "Salutations and thanks" in rows["greeting"]
    assert "balanced (default)" in result.stdout and "cheapest-good-enough" in rows["good-enough"]


def test_the_catalogue_is_json_on_demand(server):
    result = pointsman(server.address, "catalogue", "--json")
    assert result.returncode == OK, result.stderr
    catalogue = json.loads(result.stdout)
    models = {model["id"]: model for model in catalogue["catalogue"]["models"]}
    assert models["medium"]["input_usd_per_mtok"] == 0.4
    assert "input_usd_per_mtok" not in models["in-house"]  # absent is not zero
    assert catalogue["policies"]["default_policy"] == "balanced"


def test_status_of_a_serving_server(server):
    result = pointsman(server.address, "status")
    assert result.returncode == OK, result.stderr
    assert result.stdout.startswith(f"serving  {server.address}")
    assert re.search(r"digest +[0-9a-f]{64}", result.stdout)
    assert re.search(r"server +\d+\.\d+\.\d+", result.stdout)


def test_status_as_json(server):
    status = json.loads(pointsman(server.address, "status", "--json").stdout)
    assert status["serving"] is True and status["models"] == 5
    assert re.fullmatch("[0-9a-f]{64}", status["bundle_digest"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["server_version"])


def test_status_of_a_server_that_drains_is_not_serving(start_server):
    draining = start_server(lame_duck_ms=3000)
    draining.signal()
    for _ in range(100):  # the signal takes a moment
        result = pointsman(draining.address, "status")
        if result.returncode != OK:
            break
    assert result.returncode == FAILED
    assert result.stdout.startswith("not serving")


def test_status_of_nobody_is_unreachable():
    result = pointsman(dead_address(), "status", "--timeout-ms", "2000")
    assert result.returncode == UNREACHABLE and result.stderr.startswith("pointsman: ")


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_help_of_every_subcommand_has_examples(subcommand):
    result = pointsman("unused", subcommand, "--help")
    assert result.returncode == OK and "Examples:" in result.stdout
    assert "--target" in result.stdout


def test_help_documents_the_exit_codes():
    text = pointsman("unused", "--help").stdout
    assert [line.split()[0] for line in text.splitlines() if re.match(r"  \d  ", line)] == [
        "0", "1", "2", "3", "4"]


def test_the_version_is_told():
    result = pointsman("unused", "--version")
    assert result.returncode == OK and re.fullmatch(r"pointsman \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("arguments", [(), ("nosuch",), ("status", "--timeout-ms", "0")])
def test_wrong_usage_points_to_the_help(arguments):
    result = pointsman("unused", *arguments)
    assert result.returncode == BAD_INPUT and "--help" in result.stderr


def test_a_key_is_read_from_a_file_and_kept_off_plaintext(server, tmp_path):
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    assert pointsman(server.address, "status", "--key-file", key).returncode == OK
    far = pointsman("router.example:7431", "status", "--key-file", key)
    assert far.returncode == BAD_INPUT and "in plaintext" in far.stderr
    assert "s3cret" not in far.stderr


def test_an_empty_key_file_is_named(server, tmp_path):
    key = tmp_path / "key"
    key.write_text(" \n")
    result = pointsman(server.address, "status", environment={"POINTSMAN_KEY_FILE": str(key)})
    assert result.returncode == BAD_INPUT and f"{key} holds no key" in result.stderr


def test_tls_against_a_plaintext_server_does_not_fall_back(server):
    result = pointsman(server.address, "status", "--tls", "--timeout-ms", "2000")
    assert result.returncode == UNREACHABLE


def test_a_certificate_without_its_key_is_refused(server, tmp_path):
    certificate = tmp_path / "client.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    result = pointsman(server.address, "status", "--tls-cert", certificate)
    assert result.returncode == BAD_INPUT and "given together" in result.stderr
