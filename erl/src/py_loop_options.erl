%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The options of a hosted loop: their types, checks and defaults.
-module(py_loop_options).

-export([check/1, stop_timeout/1, shutdown/1, host_request/2, claims/1]).

-export_type([problem/0]).

-type problem() :: {bad_option, Key :: term(), Value :: term(), Why :: term()}.

-define(DEFAULT_STOP_TIMEOUT, 5000).

%% The extra time that the supervisor waits beyond `stop_timeout', for a forced end.
-define(SHUTDOWN_MARGIN, 2000).

%% The options as a map; a user may give a property list.
-spec check(term()) -> {ok, py_loop:options()} | {error, problem()}.
check(Given) ->
    try py_properties:to_map(Given) of
        Options -> check_each(Options)
    catch
        error:badarg -> {error, {bad_option, options, Given, not_a_map_or_list}}
    end.

-spec check_each(map()) -> {ok, py_loop:options()} | {error, problem()}.
check_each(Options) ->
    Problems = [
        {bad_option, Key, Value, Why}
     || {Key, Value} <- maps:to_list(Options), Why <- [why_bad(Key, Value)], Why =/= ok
    ],
    case Problems of
        [] -> {ok, Options};
        [Problem | _] -> {error, Problem}
    end.

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
    Name = name_text(maps:get(name, Options, undefined)),
    Limit = stop_timeout(Options),
    case Options of
        #{main := Main} ->
            {coroutine, M, F, A, K} = main_request(Main),
            {host, Owner, Loop, Name, Limit, M, F, A, K};
        #{} ->
            {host, Owner, Loop, Name, Limit}
    end.

-spec main_request(py_loop:main()) -> py_nif:loop_request().
main_request({Module, Function, Args}) ->
    main_request({Module, Function, Args, #{}});
main_request({Module, Function, Args, Kwargs}) ->
    py_request:coroutine(Module, Function, Args, Kwargs);
main_request(_Main) ->
    error(badarg).

%% The text of the loop's name, for its thread; empty if it has none.
-spec name_text(term()) -> binary().
name_text(undefined) -> <<>>;
name_text(Name) when is_atom(Name) -> atom_to_binary(Name);
name_text({global, Name}) when is_atom(Name) -> name_text(Name);
name_text({via, _Module, Name}) when is_atom(Name) -> name_text(Name);
name_text(_Name) -> <<>>.

%% The keys by which two loops are known to do the same work, see py_loop_registry. A main coroutine
%% has its hash as a key, because arguments may be large. If two hashes are equal by chance, a loop
%% only waits in vain.
-spec claims(py_loop:options()) -> [py_loop_registry:claim()].
claims(Options) ->
    [{name, Name} || #{name := Name} <- [Options]] ++
        [{main, erlang:phash2(Main)} || #{main := Main} <- [Options]].

-spec why_bad(Key :: term(), Value :: term()) -> ok | term().
why_bad(name, {global, _}) ->
    ok;
why_bad(name, {via, Module, _}) when is_atom(Module) ->
    ok;
why_bad(name, Name) when is_atom(Name), Name =/= undefined ->
    ok;
why_bad(name, _Name) ->
    {not_one_of, ['atom()', '{global, Name}', '{via, Module, Name}']};
why_bad(main, Main) ->
    case is_main(Main) of
        true -> ok;
        false -> {not_one_of, ['{Module, Function, Args}', '{Module, Function, Args, Kwargs}']}
    end;
why_bad(loop, Kind) when Kind =:= auto; Kind =:= asyncio; Kind =:= uvloop ->
    ok;
why_bad(loop, _Kind) ->
    {not_one_of, [auto, asyncio, uvloop]};
why_bad(stop_timeout, Timeout) ->
    %% The supervisor waits a little longer than `stop_timeout'.
    case py_deadline:is_timeout(Timeout) andalso py_deadline:is_timeout(shutdown(Timeout)) of
        true -> ok;
        false -> {not_an_integer_between, 0, 16#ffffffff - ?SHUTDOWN_MARGIN}
    end;
why_bad(_Key, _Value) ->
    unknown_option.

-spec is_main(term()) -> boolean().
is_main(Main) ->
    try main_request(Main) of
        {coroutine, _, _, Args, _} when length(Args) >= 0 -> true;
        _ -> false
    catch
        error:badarg -> false
    end.
