%% SPDX-License-Identifier: Apache-2.0
%% The application keeps no normal scheduler busy.
%%
%% One large term: all normal schedulers together must use less processor time than one long
%% schedule. Wall clock time does not count, since a busy machine stops the schedulers' threads for
%% tens of milliseconds. The data is made before and comes out of persistent_term without a copy, so
%% the data itself costs nothing.
%%
%% Many calls need more time together, in short turns. The same number of plain Erlang processes,
%% measured beside them, is the floor. The node also reports long schedules in the application's
%% modules, by wall clock time. A run is silent when there are no such reports. A run is also silent
%% when the schedulers' threads waited for a processor at least as long as all reported schedules
%% together.
%%
%% A native function that takes too long does so in every run. Other work of the node on a busy
%% machine differs from run to run. So one of several runs must be light, or silent.
%%
%% No process of the application gets a heap that takes long to collect.
-module(scheduler_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%% The length of one schedule, in milliseconds.
-define(LIMIT_MS, 10).
%% The size of a heap. Collecting it takes about the time of a long schedule.
-define(LIMIT_WORDS, 1000000).
-define(RUNS, 8).
%% The highest ratio of the time for calls to the time for plain processes.
-define(MOST_OF_FLOOR, 2).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    maps:foreach(fun(Name, Value) -> persistent_term:put({?MODULE, Name}, Value) end, data()),
    ok = py:exec(source()),
    ok = py:register_function(echo, fun([X]) -> X end),
    ok = py:register_function(stored, fun([Name]) -> stored(Name) end),
    ok = py:register_function(fail_with_stored, fun([Name]) -> error(stored(Name)) end),
    Config.

end_per_suite(_Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    maps:foreach(fun(Name, _) -> persistent_term:erase({?MODULE, Name}) end, data()),
    application:stop(erlang_python).

%% The data is large: even on a fast machine, a copy takes longer than the limit.
data() ->
    #{
        <<"list">> => lists:seq(1, 6000000),
        <<"tuples">> => [{N, a, [N]} || N <- lists:seq(1, 500000)],
        <<"tuple">> => list_to_tuple([{N, [N]} || N <- lists:seq(1, 800000)]),
        <<"map">> => maps:from_list([{N, [N]} || N <- lists:seq(1, 400000)]),
        <<"argument">> => lists:duplicate(2000000, <<"a text">>)
    }.

stored(Name) ->
    persistent_term:get({?MODULE, Name}).

source() ->
    <<"import asyncio, threading, erlang\n"
      "\n"
      "def length_of(name):\n"
      "    return len(erlang.call('stored', name))\n"
      "\n"
      "def length_of_reason(name):\n"
      "    try:\n"
      "        erlang.call('fail_with_stored', name)\n"
      "    except erlang.Error as e:\n"
      "        return len(e.reason)\n"
      "\n"
      "async def gathered(count):\n"
      "    calls = [erlang.async_call('echo', i) for i in range(count)]\n"
      "    return sum(await asyncio.gather(*calls))\n"
      "\n"
      "def crowd(in_loop, threads, each):\n"
      "    sums = []\n"
      "    def work():\n"
      "        sums.append(sum(erlang.call('echo', i) for i in range(each)))\n"
      "    all = [threading.Thread(target=work) for _ in range(threads)]\n"
      "    for one in all: one.start()\n"
      "    sums.append(asyncio.run(gathered(in_loop)))\n"
      "    for one in all: one.join()\n"
      "    return sum(sums)\n">>.

a_large_list_is_a_reply(_Config) ->
    lightly(fun() -> ?assertEqual({ok, 6000000}, length_of(<<"list">>)) end).

a_large_structure_is_a_reply(_Config) ->
    lightly(fun() -> ?assertEqual({ok, 500000}, length_of(<<"tuples">>)) end).

one_large_tuple_or_map_is_a_reply(_Config) ->
    lightly(fun() -> ?assertEqual({ok, 800000}, length_of(<<"tuple">>)) end),
    lightly(fun() -> ?assertEqual({ok, 400000}, length_of(<<"map">>)) end).

a_large_reason_is_a_failure(_Config) ->
    lightly(fun() ->
        ?assertEqual({ok, 500000}, py:call('__main__', length_of_reason, [<<"tuples">>]))
    end).

a_large_list_is_an_argument(_Config) ->
    lightly(fun() ->
        ?assertEqual({ok, 2000000}, py:call(builtins, len, [stored(<<"argument">>)]))
    end).

%% The same number of calls as in the heaviest benchmark.
many_calls_at_once_are_served(_Config) ->
    Sum = fun(Count) -> Count * (Count - 1) div 2 end,
    Expected = Sum(20000) + 4 * Sum(500),
    Crowd = fun() ->
        ?assertEqual({ok, Expected}, py:call('__main__', crowd, [20000, 4, 500]))
    end,
    silently(Crowd),
    #{worked := Floor} = watched(fun() -> plain_processes(20000 + 4 * 500) end),
    #{worked := Worked} = watched(Crowd),
    ct:pal("~b us, floor ~b us", [Worked, Floor]),
    ?assert(Worked < ?MOST_OF_FLOOR * Floor, {microseconds_worked, Worked, floor, Floor}).

%% Each process receives a term and sends it back.
plain_processes(Count) ->
    Self = self(),
    Pids = [
        spawn_link(fun() ->
            receive
                Term -> Self ! {self(), Term}
            end
        end)
     || _ <- lists:seq(1, Count)
    ],
    [Pid ! Number || {Number, Pid} <- lists:enumerate(Pids)],
    [receive {Pid, _} -> ok end || Pid <- Pids],
    ok.

%% A native function runs at once or on a dirty scheduler: both are tested.
terms_of_any_shape_arrive_unchanged(_Config) ->
    Nest = fun(N, Inner) -> [N, {Inner}] end,
    Deep = fun(Levels) -> lists:foldl(Nest, [], lists:seq(1, Levels)) end,
    Shapes = [Deep(3), Deep(200), fun lists:seq/2, lists:seq(1, 4999), lists:seq(1, 5001)],
    [
        ?assertEqual({ok, Shape}, py:call(erlang, call, [echo, Shape]))
     || Shape <- Shapes ++ [#{shapes => Shapes, 1 => {}}]
    ].

length_of(Name) ->
    py:call('__main__', length_of, [Name]).

%% Runs Fun, which has little work for normal schedulers.
lightly(Fun) ->
    once(Fun, fun(#{worked := Worked}) -> Worked < ?LIMIT_MS * 1000 end).

silently(Fun) ->
    once(Fun, fun(#{long := Reports, waited := Waited}) ->
        lists:sum([proplists:get_value(timeout, Where) || {_, Where} <- Reports]) * 1000 =< Waited
    end).

%% Runs Fun until one run is good. Fails when no run is.
once(Fun, IsGood) ->
    once(Fun, IsGood, ?RUNS, []).

once(_Fun, _IsGood, 0, Seen) ->
    error({never_good, Seen});
once(Fun, IsGood, Left, Seen) ->
    Figures = watched(Fun),
    case IsGood(Figures) of
        true -> ok;
        false -> once(Fun, IsGood, Left - 1, [Figures | Seen])
    end.

%% A handler of an earlier case may end meanwhile.
trace(Pid, Flags) ->
    try
        erlang:trace(Pid, true, Flags)
    catch
        error:badarg -> ?assertNot(is_process_alive(Pid))
    end.

%% Runs Fun. Returns the long schedules in the application's modules, and the time that the
%% schedulers' threads worked and waited for a processor, in microseconds.
watched(Fun) ->
    {ok, Modules} = application:get_key(erlang_python, modules),
    Probe = spawn_link(fun() -> collect([], []) end),
    Ours = [whereis(Name) || Name <- registered(), is_of(Name, Modules)] ++ handlers(),
    Flags = [garbage_collection, set_on_spawn],
    [trace(Pid, [{tracer, Probe} | Flags]) || Pid <- Ours],
    _ = erlang:system_monitor(Probe, [{long_schedule, ?LIMIT_MS}]),
    Schedulers = scheduler_threads:all(),
    {WorkedBefore, WaitedBefore} = scheduler_threads:times(Schedulers),
    Fun(),
    {Worked, Waited} = scheduler_threads:times(Schedulers),
    settle(),
    _ = erlang:system_monitor(undefined),
    _ = erlang:trace(all, false, Flags),
    Delivered = erlang:trace_delivered(all),
    receive
        {trace_delivered, all, Delivered} -> Probe ! {get, self()}
    end,
    receive
        {Probe, Long, Large} ->
            ?assertEqual([], Large),
            #{
                long => [Report || Report = {_, Where} <- Long, is_in(Where, Modules)],
                worked => Worked - WorkedBefore,
                waited => Waited - WaitedBefore
            }
    end.

%% Processes of the application are registered under the names of their modules.
is_of(Name, Modules) ->
    lists:member(Name, Modules).

collect(Long, Large) ->
    receive
        {monitor, Pid, long_schedule, Where} ->
            collect([{Pid, Where} | Long], Large);
        {trace, Pid, _Collection, Info} ->
            case proplists:get_value(heap_size, Info) of
                Words when Words > ?LIMIT_WORDS -> collect(Long, [{Pid, Info} | Large]);
                _ -> collect(Long, Large)
            end;
        {get, From} ->
            From ! {self(), Long, Large}
    end.

%% A report comes when its process is scheduled out. Suspending the handlers schedules them out.
%% Waiting for the suspension schedules this process out.
settle() ->
    [suspend(Pid) || Pid <- handlers()].

handlers() ->
    [Pid || {_, Pid, _, _} <- supervisor:which_children(py_handler_sup), is_pid(Pid)].

suspend(Pid) ->
    try
        true = erlang:suspend_process(Pid),
        true = erlang:resume_process(Pid)
    catch
        error:badarg -> ended
    end.

is_in(Where, Modules) ->
    Locations = [Location || {Key, Location} <- Where, Key =:= in orelse Key =:= out],
    lists:any(
        fun
            ({Module, _, _}) -> lists:member(Module, Modules);
            (undefined) -> false
        end,
        Locations
    ).
