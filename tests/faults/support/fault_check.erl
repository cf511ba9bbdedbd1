%% SPDX-License-Identifier: Apache-2.0
%% Checks that the application is whole, that its resources have not grown, and that every call is
%% accounted for.
-module(fault_check).

-export([await_answer/0, await_whole/0, footprint/0, await_footprint/1, accounts/2]).

-export_type([footprint/0]).

%% Values that must not grow.
-type footprint() :: #{atom() => non_neg_integer() | [term()]}.

%% In milliseconds: the time in which the application must recover.
-define(LIMIT, 15000).

%% The number of kept contexts, as fault_act configures it.
-define(CONTEXTS, 2).

%% Waits until Python answers.
-spec await_answer() -> ok | {error, term()}.
await_answer() ->
    eventually:within(?LIMIT, ok, fun() ->
        case py:eval(<<"1">>) of
            {ok, 1} -> ok;
            Error -> Error
        end
    end).

-spec await_whole() -> ok | {error, term()}.
await_whole() ->
    eventually:within(?LIMIT, ok, fun broken/0).

broken() ->
    try
        [] = [Id || {Id, Pid, _, _} <- supervisor:which_children(erlang_python_sup), not is_pid(Pid)],
        [] = fault_load:probe(),
        #{busy := 0, stale := 0, starting := 0, waiting := 0} = maps:get(contexts, py:info()),
        #{in_flight := 0, contexts := #{total := ?CONTEXTS}, limited := Busy} = py:info(),
        {0, []} = {map_size(Busy), ets:tab2list(py_function_limiter)},
        ok
    catch
        Class:Reason:Stack -> {error, {Class, Reason, lists:sublist(Stack, 3)}}
    end.

%% Handlers and channels are kept for the next thread, so their numbers vary. The footprint leaves
%% out what belongs to them; their own numbers must match each other.
-spec footprint() -> footprint().
footprint() ->
    %% Garbage has been given up already, but is still counted.
    lists:foreach(fun erlang:garbage_collect/1, processes()),
    {ok, _} = py:gc(),
    Info = #{channels := Channels, contexts := Contexts} = py:info(),
    #{handlers := Handlers, pooled_channels := Pooled, loops := Loops} = Info,
    #{contexts := Threads} = py_nif:stats(),
    {ok, PythonThreads} = py:call(fault_load, thread_names, []),
    #{
        python_threads => PythonThreads,
        spare_contexts => maps:get(total, Contexts) - ?CONTEXTS,
        context_threads => Threads,
        loops => Loops,
        processes => erlang:system_info(process_count) - Handlers,
        tables => length(ets:all()),
        ports => length(erlang:ports()),
        descriptors => entries("/proc/self/fd") - Channels * descriptors_of_each(),
        threads => entries("/proc/self/task"),
        %% Each loop has one channel, each thread has at most one.
        stray_channels => max(0, Channels - Pooled - Loops - Threads),
        stray_handlers => max(0, Handlers - Channels)
    }.

descriptors_of_each() ->
    case application:get_env(erlang_python, channel) of
        {ok, pipe} -> 2;
        _ -> 1
    end.

entries(Folder) ->
    {ok, Names} = file:list_dir(Folder),
    length(Names).

%% The unnamed processes, for a report.
unnamed() ->
    Unnamed = [Pid || Pid <- processes(), process_info(Pid, registered_name) =:= []],
    [{proc_lib:translate_initial_call(Pid), process_info(Pid, current_function)} || Pid <- Unnamed].

open_descriptors() ->
    {ok, Names} = file:list_dir("/proc/self/fd"),
    lists:foldl(
        fun(Name, Counts) ->
            case file:read_link(filename:join("/proc/self/fd", Name)) of
                {ok, Target} ->
                    Kind = hd(string:split(Target, ":[")),
                    Counts#{Kind => maps:get(Kind, Counts, 0) + 1};
                {error, _} ->
                    Counts
            end
        end,
        #{},
        Names
    ).

%% Gives everything that ends by itself the time to end.
-spec await_footprint(footprint()) -> ok | {error, #{atom() => {Before :: term(), Now :: term()}}}.
await_footprint(Before) ->
    eventually:within(?LIMIT, ok, fun() ->
        try all_grown(Before, footprint()) of
            [] -> ok;
            Grown -> {error, {maps:from_list(Grown), open_descriptors(), unnamed()}}
        catch
            Class:Reason -> {error, {Class, Reason}}
        end
    end).

all_grown(Before, Now) ->
    Pairs = [{Key, {Value, maps:get(Key, Now)}} || {Key, Value} <- maps:to_list(Before)],
    [Pair || Pair = {_, {Was, Is}} <- Pairs, grown(Was, Is)].

grown(Before, Now) when is_integer(Before) -> Now > Before;
grown(Before, Now) -> Now =/= Before.

%% Every call has ended, in a way that the faults explain.
-spec accounts(fault_load:ledger(), fault_plan:ends()) -> ok | {error, term()}.
accounts(Ledger, Ends) ->
    Kinds = lists:usort([Kind || {Kind, _} <- maps:keys(Ledger)]),
    Unequal = [{Kind, Balance} || Kind <- Kinds, Balance <- [balance(Kind, Ledger)], Balance =/= 0],
    Wrong = fault_ends:unexplained(Ledger, Ends),
    case {Unequal, map_size(Wrong)} of
        {[], 0} -> ok;
        _ -> {error, #{never_ended => Unequal, wrong_ends => Wrong}}
    end.

balance(Kind, Ledger) ->
    Ended = [Count || {{K, End}, Count} <- maps:to_list(Ledger), K =:= Kind, End =/= <<"issued">>],
    maps:get({Kind, <<"issued">>}, Ledger, 0) - lists:sum(Ended).
