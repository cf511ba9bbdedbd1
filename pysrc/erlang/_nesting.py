# SPDX-License-Identifier: Apache-2.0
"""On whose behalf code runs: the calls of Erlang functions that wait for it, see nif/nesting.h."""

from contextvars import Context, ContextVar, copy_context

# Keys of calls, which only Erlang understands, and the async call that may be in flight over the
# limit. Emptied when the request has ended.
Mark = list[object]

current: ContextVar[Mark | None] = ContextVar("erlang_nesting", default=None)


def context(ancestors: list[object]) -> tuple[Context, Mark]:
    """A context for a task that runs on behalf of these, and what to empty at its end."""
    mark: Mark = [ancestors, None]
    nested = copy_context()
    nested.run(current.set, mark)
    return nested, mark
