// SPDX-License-Identifier: Apache-2.0
// erlang_module_docs.h: docstrings of the functions of `_erlang` that are public in `erlang`.
// The first line is the signature, for `inspect`. The stubs say more.
// Threads: any; constants only.
#pragma once

namespace nif {

inline constexpr const char* kCallDoc =
    "call($module, name, /, *args, timeout=None, wait=None, binaries=None)\n--\n\n"
    "Call the Erlang function registered as ``name`` and wait for its result.\n\n"
    "The thread waits without the GIL; any thread may call. ``timeout`` is in seconds.\n"
    "``wait``: whether to wait in line if the limit of the function's ``concurrency`` is reached;\n"
    "``None`` does what the function was registered with.\n"
    "``binaries``: what binaries of the result become, 'text' or 'bytes'; ``None`` does what the\n"
    "function was registered with, or else the node's configuration.\n"
    "If an event loop runs in the thread, the call blocks the loop and warns\n"
    "(BlockingCallWarning).\n"
    "Raises erlang.Error, or one of its subclasses UndefinedFunction, Timeout, Disconnected and\n"
    "Overloaded; TypeError for a value that can't be converted, with its place.";

inline constexpr const char* kAsyncCallDoc =
    "async_call($module, name, /, *args, timeout=None, wait=None, binaries=None)\n--\n\n"
    "Start the Erlang function registered as ``name``; await the result.\n\n"
    "Returns an erlang.Call: a future of the running loop; create_task() takes it too. Raises\n"
    "RuntimeError if no loop is running. ``timeout`` is in seconds. Cancelling the call stops the\n"
    "Erlang process that works on it. ``wait``, ``binaries`` and the exceptions of the\n"
    "await: as call().";

inline constexpr const char* kMapDoc =
    "map($module, name, items, /, *, timeout=None, wait=None, binaries=None, "
    "concurrency=None)\n--\n\n"
    "Call the Erlang function registered as ``name`` once for each item; await the results.\n\n"
    "Returns an erlang.Call, whose result is the list of the results in the order of the items.\n"
    "All items travel in one message. Each runs in an Erlang process of its own. The first "
    "failure\n"
    "stops the others and is raised; a note names the item. ``concurrency``: how many items run "
    "at\n"
    "once. ``timeout``, in seconds, is for all of them. ``wait`` and\n"
    "``binaries``: as async_call(), for each item.";

inline constexpr const char* kStarmapDoc =
    "starmap($module, name, items, /, *, timeout=None, wait=None, binaries=None, "
    "concurrency=None)\n--\n\n"
    "As map(), but each item is an iterable of all arguments.";

inline constexpr const char* kSendDoc =
    "send($module, to, term, /)\n--\n\n"
    "Send a message to an Erlang process.\n\n"
    "``to`` is a Pid, a name that is registered on this node, or (name, node) as atoms.\n"
    "ValueError if no process of this node has that name.";

inline constexpr const char* kStatsDoc =
    "stats($module)\n--\n\n"
    "Counters and a latency histogram of this node's bridge, as a new dict.\n\n"
    "Bucket ``n`` of ``histogram`` counts the calls that took less than ``2**n`` microseconds.";

}  // namespace nif
