# SPDX-License-Identifier: Apache-2.0
"""A debugger stops in contexts, nested requests, hosted loops and threads."""

import observed
import pytest
from conftest import ERLPY, SECONDS, Place
from dap import Client

STARTER = """\
import debugpy
def listen():
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    debugpy.wait_for_client()
"""

# The debugger attaches after contexts have worked.
PROGRAM = """\
import starter
elsewhere("py", "call", "builtins", "len", [[]])
{listen}
call_all()
elsewhere("py", "call", "library", "pooled", [True])
print("done", flush=True)
"""


IN_MAIN_THREAD = "starter.listen()"
IN_A_REQUEST = 'elsewhere("py", "call", "starter", "listen", [])'


@pytest.mark.parametrize("listen", [IN_MAIN_THREAD, IN_A_REQUEST])
def test_a_debugger_stops_everywhere(place: Place, listen: str) -> None:
    place.write("starter.py", STARTER)
    observed.write(place, PROGRAM.format(listen=listen))
    library = str(place.folder / "library.py")
    lines = [
        number
        for number, line in enumerate(observed.LIBRARY.splitlines(), 1)
        if line.endswith("# stop")
    ]
    # The modules of the standard library are frozen; the debugger does not stop there anyway.
    node = place.start([*ERLPY, *observed.REGISTER], "-Xfrozen_modules=off", "program.py")
    assert node.stdout is not None
    stops = []
    with Client(int(node.stdout.readline()), SECONDS) as client:
        client.request("initialize", adapterID="test")
        attached = client.send("attach", justMyCode=False)
        client.event("initialized")
        client.request(
            "setBreakpoints",
            source={"path": library},
            breakpoints=[{"line": line} for line in lines],
        )
        client.request("configurationDone")
        client.response(attached)
        while (event := client.event("stopped", "terminated"))["event"] == "stopped":
            thread = event["body"]["threadId"]
            (frame, *_) = client.request("stackTrace", threadId=thread)["stackFrames"]
            assert frame["line"] in lines
            stops.append(frame["name"])
            client.request("continue", threadId=thread)
    output, error = node.communicate(timeout=SECONDS)
    assert (output, error, node.returncode) == ("done\n", "", 0)
    assert sorted(stops) == sorted([*observed.STOPS, "pooled"]), stops
