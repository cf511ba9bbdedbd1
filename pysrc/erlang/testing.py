# SPDX-License-Identifier: Apache-2.0
"""For tests of code that calls Erlang functions.

Outside of a node, `fake` puts Python functions in the place of Erlang functions::

    with erlang.testing.fake(get_user=lambda number: {"id": number}) as node:
        assert greet(7) == "hello, 7"
        assert node.calls == [("get_user", (7,))]

Inside a node (``erlpy -m pytest``), a pytest plugin fails the tests that leak. Switch it on in a
``conftest.py``::

    pytest_plugins = ["erlang.testing"]  # not imported there as well: pytest would warn

    @pytest.fixture(autouse=True)
    def nothing_leaks(no_erlang_leaks: None) -> None: ...
"""

from erlang._fake import FakeNode, fake

__all__ = ["FakeNode", "fake"]

try:
    from erlang._leaks import Footprint, becomes_true, eventually, no_erlang_leaks
except ModuleNotFoundError as _missing:
    if _missing.name != "pytest":  # fake() needs no pytest
        raise
else:
    __all__ += ["Footprint", "becomes_true", "eventually", "no_erlang_leaks"]
