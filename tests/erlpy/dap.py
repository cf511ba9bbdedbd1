# SPDX-License-Identifier: Apache-2.0
"""A client of the Debug Adapter Protocol: JSON messages, each after a header with its length."""

import json
import socket
from collections import deque
from types import TracebackType
from typing import Any

Message = dict[str, Any]


class Client:
    def __init__(self, port: int, seconds: float) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._input = self._socket.makefile("rb")
        self._count = 0
        # Messages that arrived during the wait for other messages.
        self._arrived: deque[Message] = deque()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._input.close()
        self._socket.close()

    def send(self, command: str, **arguments: object) -> int:
        """Send a request; return its number."""
        self._count += 1
        message = {
            "seq": self._count,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        body = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return self._count

    def response(self, number: int) -> Message:
        """The debugger's answer to a request."""
        message = self._await(lambda m: m.get("request_seq") == number)
        assert message["success"], message
        return dict(message.get("body") or {})

    def request(self, command: str, **arguments: object) -> Message:
        return self.response(self.send(command, **arguments))

    def event(self, *names: str) -> Message:
        """The next event of one of these names."""
        return self._await(lambda m: m["type"] == "event" and m["event"] in names)

    def _await(self, wanted: Any) -> Message:
        for message in self._arrived:
            if wanted(message):
                self._arrived.remove(message)
                return message
        while not wanted(message := self._read()):
            self._arrived.append(message)
        return message

    def _read(self) -> Message:
        length = 0
        while (line := self._input.readline()) != b"\r\n":
            assert line, "the debugger has closed the connection"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return dict(json.loads(self._input.read(length)))
