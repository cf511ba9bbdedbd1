# SPDX-License-Identifier: Apache-2.0
"""A node listens on no socket unless its own code opens one."""

from conftest import ERLPY, Place

LISTENING = """
import asyncio, os, socket, erlang

def listening():
    own = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            own.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            pass
    found = []
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in open(f"/proc/self/net/{table}").readlines()[1:]:
            fields = line.split()
            if fields[3] == state and f"socket:[{fields[9]}]" in own:
                found.append((table, int(fields[1].split(":")[1], 16)))
    return found

async def call():
    return await erlang.async_call("in_python")

assert erlang.call("in_python") == asyncio.run(call()) == 42
print(listening())
with socket.create_server(("127.0.0.1", 0)) as ours:
    print(listening() == [("tcp", ours.getsockname()[1])])
"""


def test_a_node_at_work_listens_nowhere(place: Place) -> None:
    functions = ["--erl", "py:register_function(in_python, fun([]) -> {ok, V} = "]
    functions[1] += 'py:eval(<<"6 * 7">>), V end)'
    ended = place.run(ERLPY, *functions, "-c", LISTENING)
    assert ended.output == "[]\nTrue\n", ended.error
