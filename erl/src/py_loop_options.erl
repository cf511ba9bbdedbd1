%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The options of a hosted loop: their types, checks and defaults.
-module(py_loop_options).

-export([check/1, stop_timeout/1, shutdown/1, host_request/2, claims/1]).

-define(DEFAULT_STOP_TIMEOUT, 5000).

%% The extra time that the supervisor waits beyond `stop_timeout', for a forced end.
-define(SHUTDOWN_MARGIN, 2000).

-spec check(term()) -> ok | {error, {bad_option, Key :: term(), Value :: term()}}.
check(Options) when is_map(Options) ->
    case [Option || {Key, Value} = Option <- maps:to_list(Options), not is_option(Key, Value)] of
        [] -> ok;
        [{Key, Value} | _] -> {error, {bad_option, Key, Value}}
    end;
check(Options) ->
    {error, {bad_option, options, Options}}.

-spec stop_timeout(py_loop:options()) -> non_neg_integer().
stop_timeout(Options) ->
    maps:get(stop_timeout, Options, ?DEFAULT_STOP_TIMEOUT).

%% The time that a supervisor waits for the end of a loop.
-spec shutdown(StopTimeout :: non_neg_integer()) -> non_neg_integer().
shutdown(StopTimeout) ->
    StopTimeout + ?SHUTDOWN_MARGIN.

%% The request that runs the loop in a context of its own.
-spec host_request(Owner :: pid(), py_loop:options()) -> py_nif:context_request().
host_request(Owner, Options) ->
    Loop = atom_to_binary(maps:get(loop, Options, auto)),
    Limit = stop_timeout(Options),
    case Options of
        #{main := {Module, Function, Args, Kwargs}} ->
            {coroutine, M, F, A, K} = py_request:coroutine(Module, Function, Args, Kwargs),
            {host, Owner, Loop, Limit, M, F, A, K};
        #{} ->
            {host, Owner, Loop, Limit}
    end.

%% The keys by which two loops are known to do the same work, see py_loop_registry. A main coroutine
%% has its hash as a key, because arguments may be large. If two hashes are equal by chance, a loop
%% only waits in vain.
-spec claims(py_loop:options()) -> [py_loop_registry:claim()].
claims(Options) ->
    [{name, Name} || #{name := Name} <- [Options]] ++
        [{main, erlang:phash2(Main)} || #{main := Main} <- [Options]].

-spec is_option(Key :: term(), Value :: term()) -> boolean().
is_option(name, {global, _}) ->
    true;
is_option(name, {via, Module, _}) ->
    is_atom(Module);
is_option(name, Name) ->
    is_atom(Name) andalso Name =/= undefined;
is_option(main, {Module, Function, Args, Kwargs}) when length(Args) >= 0 ->
    try py_request:coroutine(Module, Function, Args, Kwargs) of
        _ -> true
    catch
        error:badarg -> false
    end;
is_option(loop, Kind) ->
    lists:member(Kind, [auto, asyncio, uvloop]);
is_option(stop_timeout, Timeout) ->
    %% The supervisor waits a little longer than `stop_timeout'.
    py_deadline:is_timeout(Timeout) andalso py_deadline:is_timeout(shutdown(Timeout));
is_option(_Key, _Value) ->
    false.
