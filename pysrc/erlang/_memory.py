# SPDX-License-Identifier: Apache-2.0
"""Runs ``py:memory_stats``."""

import gc
import tracemalloc

from _erlang import Atom


def stats() -> dict[Atom, object]:
    """Figures of the garbage collector, and of ``tracemalloc`` while it is tracing."""
    found: dict[Atom, object] = {
        Atom("gc_stats"): gc.get_stats(),
        Atom("gc_count"): gc.get_count(),
        Atom("gc_threshold"): gc.get_threshold(),
    }
    if tracemalloc.is_tracing():
        current, peak = tracemalloc.get_traced_memory()
        found[Atom("traced_memory_current")] = current
        found[Atom("traced_memory_peak")] = peak
    return found
