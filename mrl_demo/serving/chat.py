"""A client of OpenAI-compatible chat servers: one message in, one text out."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.serving.endpoint import JsonEndpoint, ServerError, check_address


@dataclass(frozen=True)
class ChatTarget:
    """Where to ask, and which model; the key is read from an environment variable and never shown.

    Raises `ServerError` for an address that is none.

    >>> ChatTarget("http://127.0.0.1:8000/v1/", "llama").address
    'http://127.0.0.1:8000/v1/chat/completions'
    """

    url: str
    model: str
    key_variable: str = ""
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        check_address(self.url, self.timeout_s)
        if not self.model.strip():
            raise ServerError("No model is named: give the server's own name of it with --model.")

    @property
    def address(self) -> str:
        """Where completions are asked for."""
        return f"{self.url.rstrip('/')}/chat/completions"


class ChatClient:
    """Asks one server; raises `ServerError` for every answer that is no text.

    >>> ChatClient(ChatTarget("http://127.0.0.1:9/v1", "llama")).close()
    """

    def __init__(self, target: ChatTarget) -> None:
        self.target = target
        self._endpoint = JsonEndpoint(target.address, target.timeout_s, target.key_variable)

    def reply_to(self, message: str, seed: int = 0) -> str:
        """What the model says to one message of a person."""
        messages = [{"role": "user", "content": message}]
        answer = self._endpoint.post({"model": self.target.model, "messages": messages, "seed": seed})
        try:
            text = answer["choices"][0]["message"]["content"]  # type: ignore[index]
        except (KeyError, TypeError, IndexError) as error:
            says = f"{self.target.address} answered JSON without choices[0].message.content ({error!r})"
            raise ServerError(f"{says}: is it a chat server?") from None
        if not isinstance(text, str):
            raise ServerError(f"{self.target.address} answered with {type(text).__name__} where a text is needed.")
        return text

    def close(self) -> None:
        """Let go of the connections."""
        self._endpoint.close()
