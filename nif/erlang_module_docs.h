// SPDX-License-Identifier: Apache-2.0
// erlang_module_docs.h: what help() says of the functions of `_erlang` that are public in `erlang`.
// The first line is their signature, for `inspect`. The stubs say more.
#pragma once

namespace nif {

inline constexpr const char* kCallDoc =
    "call($module, name, /, *args, timeout=None, wait=None)\n--\n\n"
    "Call the Erlang function registered as ``name`` and wait for its result.\n\n"
    "The GIL is released while the thread waits; any thread may call. ``timeout`` is in seconds.\n"
    "``wait``: whether to stand in line where the function's ``concurrency`` is used up; "
    "``None``:\n"
    "as it was registered.\n"
    "On a thread whose event loop is running it blocks that loop and warns (BlockingCallWarning).\n"
    "Raises erlang.Error, or one of its subclasses UndefinedFunction, Timeout, Disconnected and\n"
    "Overloaded; TypeError for what can't be converted, naming the place.";

inline constexpr const char* kAsyncCallDoc =
    "async_call($module, name, /, *args, timeout=None, wait=None)\n--\n\n"
    "Start the Erlang function registered as ``name``; await the result.\n\n"
    "Returns an erlang.Call: a future of the running loop that is accepted as a coroutine, too.\n"
    "RuntimeError where no loop is running. ``timeout`` is in seconds. Cancelling it stops the\n"
    "Erlang process that works on the call. ``wait`` and what is raised, when awaited: as call().";

inline constexpr const char* kSendDoc =
    "send($module, to, term, /)\n--\n\n"
    "Send a message to an Erlang process.\n\n"
    "``to`` is a Pid, a name that is registered on this node, or (name, node) as atoms.\n"
    "ValueError if no process of this node has that name.";

inline constexpr const char* kStatsDoc =
    "stats($module)\n--\n\n"
    "Counters and a latency histogram of this node's bridge, as a dict of its own.\n\n"
    "Bucket ``n`` of ``histogram`` counts the calls that took less than ``2**n`` microseconds.";

}  // namespace nif
