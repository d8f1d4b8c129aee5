"""The address that the page listens on, and what to say if it cannot."""

from __future__ import annotations

import socket

from mrl_demo.core.errors import LabError


def check_port(host: str, port: int) -> None:
    """Find out before Gradio is loaded whether we can listen; raises `LabError` naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise listening_problem(host, port, error) from error


def listening_problem(host: str, port: int, error: OSError) -> LabError:
    """What to tell the person if the operating system refuses an address."""
    reason = error.strerror or str(error)
    return LabError(
        f"Cannot listen on {host}, port {port} ({reason}): stop the program that uses it, or choose another with"
        " --port or --host."
    )
