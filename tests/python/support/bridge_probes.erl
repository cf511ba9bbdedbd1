%% SPDX-License-Identifier: Apache-2.0
%% The Erlang functions that the Python tests call. Each takes the list of the call's arguments.
%% Tests and functions meet by tags. A function publishes its process under a tag, and a test that
%% waits for the tag is told at once. So no test needs to sleep.
-module(bridge_probes).

-export([register/0]).
-export([
    echo/1, args/1, double_it/1, add_one/1, maybe_fail/1, add/1,
    slow/1, wait_forever/1, wait_watched/1, ignore_shutdown/1,
    await_published/1, await_end/1, release/1,
    kill_self/1, kill_handler/1, suspend_handler/1, resume_handler/1, exit_normally/1,
    throw_it/1, exit_with/1, fail_with/1, fail_when_told/1, call_probe/1,
    improper/1, fail_improper/1,
    blob/1, size_of/1, self/1,
    py_call/1, py_call_improper/1, py_call_timed/1, py_call_elsewhere/1, py_call_abandoned/1,
    counts/1, bridge_info/1, app_env/1, register_name/1, register_limited/1, unregister_name/1,
    start_mailbox/1, read_mailbox/1, stop_process/1
]).

-define(PUBLISHED, bridge_probes_published).

-spec register() -> ok.
register() ->
    %% A table needs an owner that outlives the process that registers.
    Self = self(),
    {Owner, Monitor} = spawn_monitor(fun() ->
        ?PUBLISHED = ets:new(?PUBLISHED, [named_table, public, set]),
        Self ! {owner, self()},
        receive
            stop -> ok
        end
    end),
    receive
        {owner, Owner} -> demonitor(Monitor, [flush]);
        {'DOWN', Monitor, process, Owner, Why} -> error(Why)
    end,
    Exports = ?MODULE:module_info(exports),
    Names = [Name || {Name, 1} <- Exports, Name =/= module_info],
    lists:foreach(fun(Name) -> ok = py:register_function(Name, ?MODULE, Name) end, Names).

%% Values.

echo([Value]) -> Value.

args(Args) -> Args.

double_it([X]) -> X * 2.

add_one([X]) -> X + 1.

add([X, Y]) -> X + Y.

maybe_fail([X]) when X > 10 -> error({too_large, X});
maybe_fail([X]) -> X.

blob([Size]) -> {bytes, binary:copy(<<255>>, Size)}.

size_of([Binary]) -> byte_size(Binary).

self([]) -> erlang:self().

%% Time and presence.

slow([Ms]) ->
    timer:sleep(Ms),
    Ms.

%% Publishes its process under Tag, waits until released, and returns the value from release/1.
wait_forever([Tag]) ->
    publish(Tag),
    receive
        {release, Value} -> Value
    end.

%% Like wait_forever/1. The exit reason of its process is published under `end of Tag'.
wait_watched([Tag]) ->
    Pid = erlang:self(),
    _ = spawn(fun() ->
        Monitor = monitor(process, Pid),
        Pid ! watched,
        receive
            {'DOWN', Monitor, process, Pid, Reason} -> publish(<<"end of ", Tag/binary>>, Reason)
        end
    end),
    receive
        watched -> wait_forever([Tag])
    end.

%% Like wait_forever/1, but reacts slowly to an exit signal that can be trapped.
ignore_shutdown([Tag]) ->
    process_flag(trap_exit, true),
    publish(Tag),
    receive
        {release, Value} -> Value
    end.

publish(Tag) ->
    publish(Tag, erlang:self()).

publish(Tag, Value) ->
    case ets:insert_new(?PUBLISHED, {Tag, Value}) of
        true ->
            ok;
        false ->
            [{Tag, Waiting}] = ets:take(?PUBLISHED, Tag),
            true = ets:insert(?PUBLISHED, {Tag, Value}),
            Waiting ! {published, Tag, Value}
    end.

%% Returns the value that is published under Tag, usually a process; `none' after Ms milliseconds.
await_published([Tag, Ms]) ->
    case ets:insert_new(?PUBLISHED, {Tag, erlang:self()}) of
        false ->
            [{Tag, Value}] = ets:lookup(?PUBLISHED, Tag),
            Value;
        true ->
            receive
                {published, Tag, Value} -> Value
            after Ms ->
                ets:delete(?PUBLISHED, Tag),
                none
            end
    end.

%% Whether the process ends within Ms milliseconds from now.
await_end([Pid, Ms]) ->
    Monitor = monitor(process, Pid),
    receive
        {'DOWN', Monitor, process, Pid, _} -> true
    after Ms ->
        demonitor(Monitor, [flush]),
        false
    end.

release([Pid, Value]) ->
    Pid ! {release, Value},
    true.

%% Failures.

kill_self([]) ->
    exit(erlang:self(), kill),
    receive
        never -> ok
    end.

%% For an async call: kills the handler of the whole loop.
kill_handler([]) ->
    {links, Links} = process_info(erlang:self(), links),
    lists:foreach(fun(Pid) -> exit(Pid, kill) end, [Pid || Pid <- Links, is_pid(Pid)]),
    receive
        never -> ok
    end.

%% For an async call: the handler of the whole loop does nothing until it is resumed.
suspend_handler([]) ->
    {parent, Handler} = process_info(erlang:self(), parent),
    ok = sys:suspend(Handler),
    Handler.

resume_handler([Handler]) ->
    ok = sys:resume(Handler),
    true.

%% An exit with a reason that usually means success.
exit_normally([]) ->
    exit(normal).

throw_it([Term]) -> throw(Term).

exit_with([Term]) -> exit(Term).

fail_with([Term]) -> error(Term).

%% Like wait_forever/1, but fails with the value from release/1.
fail_when_told([Tag]) -> error(wait_forever([Tag])).

%% Calls the function of this module with this name, so that the items of a map can do different things.
call_probe([Name | Args]) ->
    Function = binary_to_existing_atom(Name),
    ?MODULE:Function(Args).

fail_improper([]) -> error([1 | 2]).

%% A value without a Python counterpart, inside a value that has one.
improper([]) -> [1, #{<<"k">> => [2 | 3]}].

%% Python from Erlang.

%% From the process for which Python waits: on the waiting thread.
py_call([Module, Function, Args]) ->
    {ok, Value} = py:call(Module, Function, Args),
    Value.

%% The same with an argument that can't become a Python value; returns the result unchanged.
py_call_improper([Module, Function]) ->
    py:call(Module, Function, [[1 | 2]]).

%% py_call with a timeout of Ms milliseconds; returns the result unchanged.
py_call_timed([Module, Function, Args, Ms]) ->
    py:call(Module, Function, Args, #{}, Ms).

%% From a new process: on a context's thread.
py_call_elsewhere([Module, Function, Args]) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({value, py:call(Module, Function, Args)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {value, {ok, Value}}} -> Value;
        {'DOWN', Monitor, process, Pid, {value, {error, Why}}} -> error(Why)
    end.

%% The same with a timeout of Ms milliseconds; returns the result unchanged.
py_call_abandoned([Module, Function, Args, Ms]) ->
    {Pid, Monitor} = spawn_monitor(
        fun() -> exit({value, py:call(Module, Function, Args, #{}, Ms)}) end
    ),
    receive
        {'DOWN', Monitor, process, Pid, {value, Result}} -> Result
    end.

%% The node.

bridge_info([]) -> py:info().

counts([]) ->
    #{
        processes => erlang:system_info(process_count),
        atoms => erlang:system_info(atom_count),
        handlers => proplists:get_value(active, supervisor:count_children(py_handler_sup)),
        memory => memory(),
        published => ets:info(?PUBLISHED, size)
    }.

%% Without the BEAM's allocators there is no figure, for instance under AddressSanitizer.
memory() ->
    try
        erlang:memory(total)
    catch
        error:notsup -> 0
    end.

app_env([Key]) ->
    application:get_env(erlang_python, binary_to_existing_atom(Key), none).

register_name([Name, Target]) ->
    ok = py:register_function(Name, ?MODULE, binary_to_existing_atom(Target)),
    true.

%% Registers a function with this limit of concurrent calls; further calls are refused.
register_limited([Name, Target, Concurrency]) ->
    Function = binary_to_existing_atom(Target),
    Options = #{concurrency => Concurrency},
    ok = py:register_function(Name, fun ?MODULE:Function/1, Options),
    true.

unregister_name([Name]) ->
    ok = py:unregister_function(Name),
    true.

%% Starts a process that keeps its messages, registered as Name unless Name is `none'.
start_mailbox([Name]) ->
    Pid = spawn(fun() -> mailbox() end),
    Name =:= none orelse erlang:register(binary_to_atom(Name), Pid),
    Pid.

mailbox() ->
    receive
        {'$read', From, Ref, Ms} ->
            receive
                Message -> From ! {Ref, Message}
            after Ms -> From ! {Ref, none}
            end,
            mailbox()
    end.

%% The oldest message, or `none' when there is none within Ms milliseconds.
read_mailbox([Pid, Ms]) ->
    Ref = make_ref(),
    Pid ! {'$read', erlang:self(), Ref, Ms},
    receive
        {Ref, Message} -> Message
    end.

stop_process([Pid]) ->
    exit(Pid, kill),
    await_end([Pid, 5000]).
