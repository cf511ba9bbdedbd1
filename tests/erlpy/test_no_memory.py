# SPDX-License-Identifier: Apache-2.0
"""The node lives on when the native library gets no memory."""

import pytest
from conftest import ERLPY, ROOT, Place

LIBRARY = ROOT / "build/meson/tests/cpp/nif/failing_new.so"
# The results come as text: an {error, _} is as good as a value.
FUNCTIONS = """
Text = fun(Result) -> iolist_to_binary(io_lib:format("~0p", [Result])) end,
Apart = fun(Fun) ->
    {_, Monitor} = spawn_monitor(fun() -> exit(Fun()) end),
    receive {'DOWN', Monitor, process, _, Reason} -> Text(Reason) end
end,
ok = py:register_function(echo, fun([X]) -> X end),
ok = py:register_function(nested, fun([]) -> Text(py:eval(<<"[1, 2.5, 'text']">>)) end),
ok = py:register_function(in_context, fun([]) ->
    Apart(fun() -> py:call(builtins, sorted, [[3, 1, 2]], #{key => <<"x">>}) end)
end),
ok = py:register_function(starting, fun([]) -> maps:get(starting, py_context_pool:info()) end),
ok = py:register_function(too_late, fun([]) ->
    Apart(fun() -> py:call(time, sleep, [0.05], #{}, 10) end)
end)
"""


@pytest.mark.skipif(not LIBRARY.exists(), reason="not built for this platform or variant")
def test_each_allocation_may_fail(place: Place) -> None:
    program = ROOT / "tests/erlpy/no_memory.py"
    ended = place.run(ERLPY, "--erl", FUNCTIONS, str(program), LD_PRELOAD=str(LIBRARY))
    assert ended.status == 0, ended.error[-4000:]
    # Erlang's logs of processes that had no memory are between the lines.
    passed = [line for line in ended.output.splitlines() if line.endswith(" passed")]
    assert [line.removesuffix(" passed") for line in passed] == [
        *("call", "call_in_a_thread", "call_python"),
        *("use_a_context", "time_out", "call_on_a_loop"),
    ]
