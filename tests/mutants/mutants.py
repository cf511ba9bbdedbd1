# SPDX-License-Identifier: Apache-2.0
"""Faults to be put into the project on purpose, one at a time, and the test that has to notice.

``./dev mutants`` does so in a copy. Each breaks one promise of docs/guarantees.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str  # occurs once
    new: str
    test: tuple[str, ...]  # what `./dev test` is told


MUTANTS = (
    Mutant(
        "a wake-up is dropped",
        "loop_bridge/completion_queue.cpp",
        "return head == kArmed ? PushResult::kQueuedWake : PushResult::kQueued;",
        "return PushResult::kQueued;",
        ("channel_model_test",),
    ),
    Mutant(
        "what is pushed while the channel closes is lost",
        "loop_bridge/completion_queue.cpp",
        "        if (head == kClosed) {\n            return PushResult::kClosed;\n        }\n"
        "        added",
        "        added",
        ("channel_model_test",),
    ),
    Mutant(
        "the generation of a slot is not checked",
        "loop_bridge/call_slots.h",
        "slot.value.has_value() && id_of(number, slot) == id ?",
        "slot.value.has_value() ?",
        ("call_slots_test",),
    ),
    Mutant(
        "a loop's completion goes to whatever is in its slot now",
        "loop_bridge/call_slots.h",
        "slot.generation = slot.generation == UINT32_MAX ? 1 : slot.generation + 1;",
        "slot.generation = 1;",
        ("tests/python/test_cancellation.py",),
    ),
    Mutant(
        "calls in flight are not limited",
        "loop_bridge/call_meter.cpp",
        "exceeds = count >= limit();",
        "exceeds = count >= UINT64_MAX;",
        ("tests/python/test_limits.py",),
    ),
    Mutant(
        "channels that the pool has no room for stay open",
        "nif/channel_pool.cpp",
        "            return;\n        }\n    }\n    channel->close();",
        "            return;\n        }\n    }",
        ("tests/python/test_scale.py", "-k", "1_000_threads"),
    ),
    Mutant(
        "nobody hears of a handler's death",
        "nif/channel_resource.cpp",
        "&monitor_) != 0) return;\n        phase_ = Phase::kGone;\n    }\n"
        "    push_arrival(channel_, ArrivalKind::kGone);",
        "&monitor_) != 0) return;\n        phase_ = Phase::kGone;\n    }",
        ("failure_SUITE",),
    ),
    Mutant(
        "the call of a worker that died never ends",
        "erl/src/py_handler.erl",
        "            erase(Id),\n            py_call:died(Channel, Id, Reason)",
        "            _ = {Channel, Reason}, _ = erase(Id), ok",
        ("callback_SUITE",),
    ),
    Mutant(
        "cancelling stops at the future",
        "erl/src/py_handler.erl",
        "        Pid -> shut_down([Pid])\n",
        "        _Pid -> ok\n",
        ("tests/python/test_cancellation.py",),
    ),
    Mutant(
        "a worker that traps exits is not killed",
        "erl/src/py_handler.erl",
        "        {kill_workers, Pids} ->\n            kill(Pids),\n            ?MODULE:loop",
        "        {kill_workers, _Pids} ->\n            ?MODULE:loop",
        ("fault_callback_SUITE",),
    ),
    Mutant(
        "garbage of a burst stays",
        "erl/src/py_handler.erl",
        "true = erlang:garbage_collect(),",
        "true = is_pid(Parent),",
        ("tests/python/test_scale.py", "-k", "on_one_loop"),
    ),
    Mutant(
        "a late answer is sent to whoever gave up",
        "nif/request.cpp",
        "    if (!state_.compare_exchange_strong(pending, State::kAnswered)) return;\n",
        "    state_.compare_exchange_strong(pending, State::kAnswered);\n",
        ("churn_SUITE",),
    ),
    Mutant(
        "code that nobody waits for goes on",
        "nif/request.cpp",
        "    Janitor::instance().interrupt(self);\n    return true;",
        "    return true;",
        ("context_SUITE",),
    ),
    Mutant(
        "the context of a dead caller stays with it",
        "erl/src/py_contexts.erl",
        "    {noreply, give_back(Lease, abandoned, State)};",
        "    _ = Lease,\n    {noreply, State};",
        ("churn_SUITE",),
    ),
    Mutant(
        "the place of a dead call is never free again",
        "erl/src/py_gates.erl",
        "handle_info({{caller_down, Key}, _Monitor, process, _Pid, _Reason}, State) ->\n",
        "handle_info({{caller_down, _}, _Monitor, process, _Pid, _Reason}, State) ->\n"
        "    {noreply, State};\nhandle_info({never, Key}, State) ->\n",
        ("overload_SUITE",),
    ),
    Mutant(
        "large terms are copied on normal schedulers",
        "nif/nif_entry.h",
        "if (are_large(env, {argv, static_cast<std::size_t>(argc)})) {",
        "if (are_large(env, {argv, static_cast<std::size_t>(argc)}) && argc > 99) {",
        ("scheduler_SUITE",),
    ),
    Mutant(
        "pickled data makes atoms",
        "nif/term_type.cpp",
        "enif_binary_to_term(env.get(), data, size, &term, ERL_NIF_BIN2TERM_SAFE)",
        "enif_binary_to_term(env.get(), data, size, &term, 0)",
        ("tests/python/test_conversion_erlang_types.py", "-k", "makes_no_atoms"),
    ),
    Mutant(
        "a fork calls the parent's Erlang",
        "nif/erlang_module.cpp",
        "    ModuleState::of(module).forked = true;\n",
        "    static_cast<void>(module);\n",
        ("tests/python/test_processes.py",),
    ),
    Mutant(
        "a reference is lost with each map",
        "nif/term_to_python.cpp",
        "        const PyRef value = read(gil, entries.value(), &step);\n",
        "        const PyRef value = read(gil, entries.value(), &step);\n"
        "        Py_INCREF(value.get());\n",
        ("tests/python/test_reference_balance.py",),
    ),
    Mutant(
        "context variables of one request are there for the next",
        "nif/request_scope.cpp",
        "return PyRef::steal(PyContext_New());",
        "{ static const PyRef one = PyRef::steal(PyContext_New()); return one; }",
        ("request_scope_SUITE",),
    ),
    Mutant(
        "trace functions for all threads do not hold in requests",
        "nif/request_scope.cpp",
        "    thread.hooks.apply(gil, state, outermost_ && !thread.kept);\n",
        "",
        ("tests/erlpy/test_coverage.py",),
    ),
    Mutant(
        "a trace function stays when its request has ended",
        "nif/request_scope.cpp",
        "    if (outermost_ && !thread.kept) thread.hooks.restore(gil_, state_);\n",
        "",
        ("thread_hooks_SUITE",),
    ),
    Mutant(
        "what a killed process leaves is not closed",
        "nif/context_resource.cpp",
        "void ContextResource::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept { close(); }",
        "void ContextResource::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept {}",
        ("fault_callback_SUITE",),
    ),
    Mutant(
        "a loop starts only while the process that keeps their table lives",
        "erl/src/py_loop.erl",
        "case py_loops:is_open() of",
        "case whereis(py_loops) =/= undefined of",
        ("loop_application_SUITE",),
    ),
    Mutant(
        "a restarted keeper of the loops' table overlooks those that came meanwhile",
        "erl/src/py_loops.erl",
        "    {ok, watch_new(#state{})}.",
        "    {ok, #state{}}.",
        ("loop_application_SUITE",),
    ),
    Mutant(
        "a loop does not wait for the thread of the killed one before it",
        "erl/src/py_loops.erl",
        "    lists:foreach(fun(Ref) -> await_end(Ref, Deadline) end, maps:keys(Threads)).",
        "    lists:foreach(fun(Ref) -> await_end(Ref, Deadline) end, []).",
        ("loop_end_SUITE",),
    ),
    Mutant(
        "a number is rounded",
        "pysrc/erlang/_adapters.py",
        "return plain if both_nan or plain == number else NotImplemented",
        "return plain",
        ("tests/python/test_conversion_numbers.py",),
    ),
    Mutant(
        "a moment that is not equal to itself is sent as its text",
        "pysrc/erlang/_adapters.py",
        'if not _equals_itself(moment):  # pandas\' NaT, whose text would be "NaT"',
        "if False:",
        ("tests/python/test_conversion_moments.py",),
    ),
    Mutant(
        "a stop of the application is taken for the node's end",
        "erl/src/erlang_python_app.erl",
        "    _ = [py_node_end:run() || py_node_end:is_coming()],",
        "    py_node_end:run(),",
        ("python_end_SUITE",),
    ),
    Mutant(
        "a restart within the node is taken for its end",
        "erl/src/py_node_end.erl",
        "        {stopping, _} -> not is_restarting();",
        "        {stopping, _} -> true;",
        ("python_end_SUITE",),
    ),
    Mutant(
        "child processes that do not end outlive the node",
        "pysrc/erlang/_node_end.py",
        '        for how in ("terminate", "kill"):',
        '        for how in ("terminate",):',
        ("python_end_SUITE",),
    ),
)
