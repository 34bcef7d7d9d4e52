"""The `pointsman` command as a test part."""

import os
import pty
import socket
import subprocess

import harness

OK, FAILED, BAD_INPUT, UNREACHABLE, NO_CHOICE = range(5)


def environment_for(address, **variables):
    return harness.clean_environment(POINTSMAN_TARGET=address, **variables)


def pointsman(address, *arguments, stdin="", environment=None):
    """Runs the command against a server; the result has returncode, stdout and stderr as text."""
    return harness.run(
        harness.binary("client/cli/pointsman"), *arguments,
        input=stdin, env=environment_for(address, **(environment or {})),
    )


def pointsman_on_terminal(address, *arguments, environment=None):
    """Runs the command with a terminal for both outputs; returns exit code and what it showed."""
    controller, terminal = pty.openpty()
    variables = {"TERM": "xterm"} | (environment or {})
    command = subprocess.Popen(
        [str(harness.binary("client/cli/pointsman")), *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
        env=environment_for(address, **variables),
    )
    os.close(terminal)
    shown = bytearray()
    try:
        while block := os.read(controller, 4096):
            shown += block
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    os.close(controller)
    return command.wait(timeout=60), shown.decode()


def dead_address():
    """An address at which nobody listens: it was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
