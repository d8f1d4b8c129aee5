"""The address that the page listens on, and what to say if it cannot."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mrl_demo.core.errors import LabError


def check_port(host: str, port: int) -> None:
    """Find out before Gradio is loaded whether we can listen; raises `LabError` naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise listening_problem(host, port, error) from error


@contextmanager
def patient_with_gradio(seconds: float = 60.0, pause: float = 0.5) -> Iterator[None]:
    """Let Gradio wait for the page that it has just started; raises `LabError` if that does not answer in time.

    Gradio asks the page's address once, for three seconds, and gives up with advice about proxies if a busy machine
    takes longer.
    """
    import httpx
    from gradio import networking

    ask_once = networking.url_ok

    def answers(url: str) -> bool:
        """Whether the page answers now."""
        try:
            return ask_once(url)
        except httpx.HTTPError:
            return False

    def ask_again(url: str) -> bool:
        """Ask until the page answers; raises `LabError` once the time is over."""
        deadline = time.monotonic() + seconds
        while not answers(url):
            if time.monotonic() > deadline:
                raise LabError(
                    f"The page was started but has not answered at {url} for {seconds:.0f} s. If the machine is busy, "
                    "start again later; if HTTP_PROXY is set, set NO_PROXY=localhost,127.0.0.1 too."
                )
            time.sleep(pause)
        return True

    networking.url_ok = ask_again
    try:
        yield
    finally:
        networking.url_ok = ask_once


def listening_problem(host: str, port: int, error: OSError) -> LabError:
    """What to tell the person if the operating system refuses an address."""
    reason = error.strerror or str(error)
    return LabError(
        f"Cannot listen on {host}, port {port} ({reason}): stop the program that uses it, or choose another with"
        " --port or --host."
    )
