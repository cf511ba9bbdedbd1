# SPDX-License-Identifier: Apache-2.0
"""The calls of Erlang functions on whose behalf code runs, see nif/requests/nesting.h."""

from contextvars import ContextVar

# The functions with limited concurrency among the outer calls, by name, and the one async call over
# the limit of calls in flight. Emptied at the end of the request.
Mark = list[object]

current: ContextVar[Mark | None] = ContextVar("erlang_nesting", default=None)
