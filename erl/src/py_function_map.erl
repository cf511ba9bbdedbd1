%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The worker process of a map: one registered function runs once for each item, each time in a process
%% of its own. The map ends its call once: with the list of all values, in the order of the items, or
%% with the first failure. An item is named by its index, from 0 on.
%%
%% This process runs no code of users. If the handler stops it or dies, this process stops the items,
%% and ends when they have ended. If this process is killed, its guard looks after them.
%%
%% Most of an item's time is the start and the end of its process. So an item sends its index with its
%% result, and no table finds the index by the process: only a death has to search.
-module(py_function_map).

-export([work/7, run_item/4]).

%% Items that start before this process looks into its mailbox. Otherwise a failure or a stop would
%% have to wait until all items have started. After a batch this process yields. So other schedulers
%% wake up and take items, and the next items use the memory of items that have ended. This saves a
%% fifth of a map's time (measured).
-define(BATCH, 64).

%% A heap with room for the garbage of an item saves a tenth of its time (measured). In words.
-define(ITEM_HEAP, 24).
-define(MOST_HEAP, 1 bsl 17).

-record(map, {
    handler :: pid(),
    channel :: py_nif:channel(),
    id :: py_nif:call_id(),
    job :: job(),
    binaries :: py_function_call:binaries(),
    concurrency :: pos_integer()
}).

%% What each item's process needs beside its arguments.
-type job() :: {Name :: binary(), py_function_call:function_found(), py_function_call:options()}.

-type index() :: non_neg_integer().
-type waiting() :: [{index(), Args :: [term()]}].
%% The processes of the items that have started, the last one first.
-type started() :: [pid()].
-type values() :: [{index(), Value :: term()}].

%% The whole life of a map's worker; see py_function_call:work/6.
-spec work(
    Handler :: pid(),
    py_nif:channel(),
    py_nif:call_id(),
    Name :: binary(),
    Items :: [Args :: [term()]],
    py_function_call:options(),
    Concurrency :: pos_integer()
) -> ok.
work(Handler, Channel, Id, Name, Items, Options, Concurrency) ->
    process_flag(trap_exit, true),
    process_flag(min_heap_size, min(?ITEM_HEAP * length(Items), ?MOST_HEAP)),
    case py_function_call:find(Name) of
        {ok, Function} ->
            py_workers:start_guard(),
            Map = #map{
                handler = Handler,
                channel = Channel,
                id = Id,
                job = {Name, Function, Options},
                binaries = py_function_call:binaries(Function, Options),
                concurrency = Concurrency
            },
            run(Map, lists:enumerate(0, Items), 0, [], []);
        Failure ->
            py_function_call:finish(Channel, Id, Failure, default),
            py_function_call:leave(Handler)
    end.

%% The whole life of an item's process.
-spec run_item(Map :: pid(), index(), job(), Args :: [term()]) -> ok.
run_item(Map, Index, {Name, Function, Options}, Args) ->
    py_caller:set_ancestors([]),
    Outcome = py_function_call:outcome(Name, Function, Args, Options),
    unlink(Map),
    Map ! {ended, Index, Outcome},
    ok.

%% What changes with each item is an argument of its own: a record would be copied for each.
-spec run(#map{}, waiting(), Running :: non_neg_integer(), started(), values()) -> ok.
run(#map{handler = Handler, channel = Channel, id = Id} = Map, [], 0, _Started, Values) ->
    InOrder = [Value || {_Index, Value} <- lists:keysort(1, Values)],
    py_function_call:finish(Channel, Id, {value, InOrder}, Map#map.binaries),
    py_function_call:leave(Handler);
run(#map{handler = Handler} = Map, Waiting, Running, Started, Values) ->
    receive
        {ended, Index, {value, Value}} ->
            run(Map, Waiting, Running - 1, Started, [{Index, Value} | Values]);
        {ended, Index, Failure} ->
            fail(Map, Index, Failure, Started);
        {'EXIT', Handler, Reason} ->
            stop_items(Started),
            exit(Reason);
        {'EXIT', Pid, Reason} ->
            case index_of(Pid, Started) of
                none -> run(Map, Waiting, Running, Started, Values);
                Index -> fail(Map, Index, py_function_call:death(Reason), Started)
            end;
        _Stray ->
            run(Map, Waiting, Running, Started, Values)
    after pause(Map, Waiting, Running) ->
        start(?BATCH, Map, Waiting, Running, Started, Values)
    end.

%% For how long to wait for a message before more items start.
-spec pause(#map{}, waiting(), Running :: non_neg_integer()) -> timeout().
pause(#map{concurrency = Most}, [_ | _], Running) when Running < Most -> 0;
pause(_Map, _Waiting, _Running) -> infinity.

-spec start(Left, #map{}, waiting(), Running :: non_neg_integer(), started(), values()) -> ok when
    Left :: non_neg_integer().
start(Left, #map{concurrency = Most} = Map, [{Index, Args} | Waiting], Running, Started, Values) when
    Left > 0, Running < Most
->
    try spawn_link(?MODULE, run_item, [self(), Index, Map#map.job, Args]) of
        Pid -> start(Left - 1, Map, Waiting, Running + 1, [Pid | Started], Values)
    catch
        error:system_limit -> fail(Map, Index, py_function_call:no_room(), Started)
    end;
start(0, Map, Waiting, Running, Started, Values) ->
    erlang:yield(),
    run(Map, Waiting, Running, Started, Values);
start(_Left, Map, Waiting, Running, Started, Values) ->
    run(Map, Waiting, Running, Started, Values).

%% `none': a process that is no item, but that somebody has linked to this one.
-spec index_of(pid() | port(), started()) -> index() | none.
index_of(_Pid, []) -> none;
index_of(Pid, [Pid | Earlier]) -> length(Earlier);
index_of(Pid, [_Later | Earlier]) -> index_of(Pid, Earlier).

%% The map fails at once; the other items are stopped.
-spec fail(#map{}, index(), py_function_call:failure(), started()) -> no_return().
fail(#map{handler = Handler, channel = Channel, id = Id} = Map, Index, Failure, Started) ->
    {failed, Kind, Reason, Stack, Text} = Failure,
    py_nif:fail_item(Channel, Id, Index, Kind, Reason, Stack, Text, Map#map.binaries),
    stop_items(Started),
    py_function_call:leave(Handler),
    %% An item that only pretended to have died is still linked.
    exit(shutdown).

%% An item that has ended is no longer linked.
-spec stop_items(started()) -> ok.
stop_items(Started) ->
    {links, Links} = process_info(self(), links),
    Linked = maps:from_keys(Links, linked),
    py_workers:stop([Pid || Pid <- Started, is_map_key(Pid, Linked)]).
