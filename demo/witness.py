# SPDX-License-Identifier: Apache-2.0
"""A middleware around the whole service that catches every exception.

The counted exceptions must be real failures: calls into Erlang use no exception as control flow. A
failed Erlang call becomes a clean answer; every other exception goes on unchanged.
"""

import json
from collections import Counter

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import erlang


class Witness:
    """The exceptions that the middleware saw: how often each class came."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def around(self, app: ASGIApp) -> ASGIApp:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            begun = False

            async def watched_send(message: Message) -> None:
                nonlocal begun
                begun = True
                await send(message)

            try:
                await app(scope, receive, watched_send)
            except BaseException as failure:
                self.seen[type(failure).__name__] += 1
                if begun or scope["type"] != "http" or not isinstance(failure, erlang.Error):
                    raise
                await erlang_failure(failure)(scope, receive, send)

        return watched


def erlang_failure(failure: erlang.Error) -> JSONResponse:
    """Answer as a gateway whose upstream, the Erlang function, has failed."""
    if isinstance(failure, erlang.Timeout):
        status = 504
    elif isinstance(failure, erlang.Overloaded):
        status = 503
    else:
        status = 502
    body = {
        "error": type(failure).__name__,
        "kind": failure.kind,
        "reason": jsonable(failure.reason),
        "function": failure.function,
        "detail": str(failure),
    }
    return JSONResponse(body, status_code=status)


def jsonable(term: object) -> object:
    """Return the reason as JSON where JSON can express it, else as text."""
    try:
        json.dumps(term)
    except (TypeError, ValueError):
        return str(term)
    return term
