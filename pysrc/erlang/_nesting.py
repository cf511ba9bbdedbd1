# SPDX-License-Identifier: Apache-2.0
"""On whose behalf code runs: the calls of Erlang functions that wait for it, see nif/nesting.h."""

from contextvars import ContextVar

# Keys of calls, which only Erlang understands, and the async call that may be in flight over the
# limit. Emptied when the request has ended.
Mark = list[object]

current: ContextVar[Mark | None] = ContextVar("erlang_nesting", default=None)
