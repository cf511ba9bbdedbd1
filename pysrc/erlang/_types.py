# SPDX-License-Identifier: Apache-2.0
"""The types of terms without a Python twin: those of the native module, or of pure Python."""

try:
    from _erlang import Atom, Fun, Pid, Port, Ref
except ModuleNotFoundError:
    from erlang._outside.terms import (  # type: ignore[assignment]
        Atom,
        Fun,
        Pid,
        Port,
        Ref,
    )

__all__ = ["Atom", "Fun", "Pid", "Port", "Ref"]
