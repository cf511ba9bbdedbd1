# SPDX-License-Identifier: Apache-2.0
"""A program whose functions run everywhere a node runs Python, for tools to observe."""

from conftest import Place

# Functions that Erlang calls, by the place where they run. A debugger stops at each marked line.
LIBRARY = """\
import asyncio
import threading
import erlang

def pooled(flag):
    if flag:
        value = "yes"  # stop
    else:
        value = "no"
    return value

def nested(number):
    value = number + 1  # stop
    return value

def waiting():
    return erlang.call("nest", __name__, "nested", [1])

def in_thread():
    value = threading.get_ident()  # stop
    return value

def starts_thread():
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()

def streamed():
    value = 1
    yield value  # stop
    yield 2

async def coroutine():
    value = await asyncio.sleep(0, 1)
    return value  # stop

def in_executor():
    value = 1
    return value  # stop

async def uses_executor():
    return await asyncio.get_running_loop().run_in_executor(None, in_executor)

async def main():
    value = 1
    await asyncio.sleep(0)  # stop
    return await asyncio.get_running_loop().create_future()
"""

STOPS = [
    "coroutine",
    "coroutine",
    "in_executor",
    "in_executor",
    "in_thread",
    "main",
    "main",
    "nested",
    "pooled",
    "streamed",
]

# Calls every function, in loops of both kinds.
CALL_ALL = """\
def call_all():
    for flag in (True, False):
        elsewhere("py", "call", "library", "pooled", [flag])
    elsewhere("py", "call", "library", "waiting", [])
    elsewhere("py", "call", "library", "starts_thread", [])
    elsewhere("py", "stream", "library", "streamed", [])
    for kind in ("asyncio", "uvloop"):
        erlang.call("in_loop", erlang.Atom(kind), "library", "main", ["coroutine", "uses_executor"])

def elsewhere(module, function, *args):
    erlang.call("elsewhere", erlang.Atom(module), erlang.Atom(function), args)
"""

# A separate process gets a context of its own.
ELSEWHERE = """\
py:register_function(elsewhere, fun([Module, Function, Args]) ->
    {_, Monitor} = spawn_monitor(fun() ->
        {ok, Value} = apply(Module, Function, tuple_to_list(Args)),
        exit({value, Value})
    end),
    receive
        {'DOWN', Monitor, process, _, {value, Value}} -> Value;
        {'DOWN', Monitor, process, _, Reason} -> error(Reason)
    end
end)"""

NEST = """\
py:register_function(nest, fun([Module, Function, Args]) ->
    {ok, Value} = py:call(Module, Function, Args),
    Value
end)"""

IN_LOOP = """\
py:register_function(in_loop, fun([Kind, Module, Main, Functions]) ->
    {ok, Loop} = py_loop:start_link(#{loop => Kind, main => {Module, Main, [], #{}}}),
    [{ok, _} = py_loop:call(Loop, Module, Function, []) || Function <- Functions],
    ok = py_loop:stop(Loop),
    none
end)"""

# Options of erlpy.
REGISTER = [option for code in (ELSEWHERE, NEST, IN_LOOP) for option in ("--erl", code)]


def write(place: Place, program: str) -> None:
    """Write library.py and program.py into the folder."""
    place.write("library.py", LIBRARY)
    place.write("program.py", f"import erlang\n{CALL_ALL}\n{program}")
