%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Runs one registered function and ends its call with the value or the failure. Handlers use this
%% module for sync calls. For an async call it is the whole life of a worker process. If the process
%% dies meanwhile, its watcher ends the call. py_function_map uses the parts for the items of a map.
-module(py_function_call).

-export([run/5, work/6, leave/1, died/3]).
-export([find/1, binaries/2, outcome/4, death/1, no_room/0, finish/4]).

-export_type([options/0, binaries/0, function_found/0, outcome/0, failure/0]).

%% What binaries of the result become in Python, or `default'.
-type binaries() :: text | bytes | default.

%% The caller's overload policy, or `default', the ancestors of the call, and the caller's choice for
%% binaries.
-type options() ::
    default | {py_function_limiter:overload() | default, py_caller:ancestors(), binaries()}.

-type function_found() :: {py_function_target:target(), py_function_options:limit(), binaries()}.

-type outcome() :: {value, term()} | failure().
-type failure() ::
    {failed, py_nif:fail_kind(), Reason :: term(), Stack :: [binary()], Text :: binary()}.

-define(UNDEFINED, <<"no Erlang function is registered under this name">>).
-define(NOT_RUNNING, <<"the application erlang_python is not running">>).
-define(NO_ROOM, <<"the node has no room for another Erlang process; start it with a higher +P">>).
-define(NO_GATE, <<"the process that limits its concurrency was restarted; call again">>).

-spec run(py_reply:caller(), py_nif:call_id(), Name :: binary(), Args :: [term()], options()) -> ok.
run(Channel, Id, Name, Args, Options) ->
    case find(Name) of
        {ok, Function} ->
            Outcome = outcome(Name, Function, Args, Options),
            finish(Channel, Id, Outcome, binaries(Function, Options));
        Failure ->
            finish(Channel, Id, Failure, default)
    end.

-spec find(Name :: binary()) -> {ok, function_found()} | failure().
find(Name) ->
    case py_function_registry:lookup(Name) of
        {ok, Target, Limit, Binaries} -> {ok, {Target, Limit, Binaries}};
        error -> {failed, undefined_function, Name, [], ?UNDEFINED};
        not_running -> {failed, disconnected, not_running, [], ?NOT_RUNNING}
    end.

%% Runs the function in the calling process.
-spec outcome(Name :: binary(), function_found(), Args :: [term()], options()) -> outcome().
outcome(Name, Function, Args, default) ->
    outcome(Name, Function, Args, {default, [], default});
outcome(Name, {Target, Limit, _}, Args, {Overload, Ancestors, _}) ->
    case enter(Name, Limit, Overload, Ancestors) of
        needs_no_place ->
            outcome(Target, Args, Ancestors);
        {ok, Key} ->
            Outcome = outcome(Target, Args, [Name | Ancestors]),
            py_function_limiter:leave(Key),
            Outcome;
        overloaded ->
            {Concurrency, _} = Limit,
            {failed, overloaded, {concurrency, Concurrency}, [], overloaded(Concurrency)};
        disconnected ->
            {failed, disconnected, no_gate, [], ?NO_GATE}
    end.

%% The whole life of a worker. The handler is linked, so it gets either the worker's message or its
%% exit.
-spec work(Handler :: pid(), py_reply:caller(), py_nif:call_id(), binary(), [term()], options()) ->
    ok.
work(Handler, Channel, Id, Name, Args, Options) ->
    py_caller:set_ancestors([]),
    run(Channel, Id, Name, Args, Options),
    leave(Handler).

%% The calling process is a worker and has ended its call.
-spec leave(Handler :: pid()) -> ok.
leave(Handler) ->
    unlink(Handler),
    Handler ! {ended, self()},
    ok.

%% Called by the handler: ends the call of a worker that died before it could end the call itself.
-spec died(py_reply:caller(), py_nif:call_id(), Reason :: term()) -> ok.
died(Channel, Id, Reason) ->
    finish(Channel, Id, death(Reason), default).

-spec death(Reason :: term()) -> failure().
death(Reason) ->
    Printed = py_function_failure:text(Reason),
    Text = <<"the Erlang process that worked on the call died: ", Printed/binary>>,
    {failed, disconnected, Reason, [], Text}.

-spec no_room() -> failure().
no_room() ->
    {failed, overloaded, system_limit, [], ?NO_ROOM}.

%% A nested call is admitted at once. If it waited for a place, it could wait for its own ancestor,
%% which waits for it.
-spec enter(
    Name :: binary(),
    py_function_options:limit(),
    py_function_limiter:overload() | default,
    py_caller:ancestors()
) -> needs_no_place | {ok, py_function_limit:key()} | overloaded | disconnected.
enter(_Name, unlimited, _Overload, _Ancestors) ->
    needs_no_place;
enter(Name, {Concurrency, Default}, Overload, Ancestors) ->
    case lists:member(Name, Ancestors) of
        true -> needs_no_place;
        false when Overload =:= default -> py_function_limiter:enter(Name, Concurrency, Default);
        false -> py_function_limiter:enter(Name, Concurrency, Overload)
    end.

%% The caller's choice goes before that of the registration.
-spec binaries(function_found(), options()) -> binaries().
binaries(_Function, {_, _, OfCall}) when OfCall =/= default -> OfCall;
binaries({_, _, OfFunction}, _Options) -> OfFunction.

-spec outcome(py_function_target:target(), [term()], py_caller:ancestors()) -> outcome().
outcome(Target, Args, []) ->
    outcome(Target, Args);
outcome(Target, Args, Ancestors) ->
    py_ancestors:within(Ancestors, fun() -> outcome(Target, Args) end).

-spec outcome(py_function_target:target(), [term()]) -> outcome().
outcome(Target, Args) ->
    try
        py_adapter:adapt(py_function_target:run(Target, Args))
    of
        Value -> {value, Value}
    catch
        Kind:Reason:Stack ->
            Frames = lists:takewhile(fun(Frame) -> not is_below(Frame) end, Stack),
            Text = py_function_failure:text(Target, Args, Reason, Frames),
            {failed, Kind, Reason, py_function_failure:lines(Frames), Text}
    end.

%% Frames below the function say nothing about its failure.
-spec is_below(tuple()) -> boolean().
is_below(Frame) ->
    element(1, Frame) =:= ?MODULE orelse py_function_target:is_own_frame(Frame).

-spec finish(py_reply:caller(), py_nif:call_id(), outcome(), binaries()) -> ok.
finish(Channel, Id, {value, Value}, Binaries) ->
    py_reply:value(Channel, Id, Value, Binaries);
finish(Channel, Id, {failed, Kind, Reason, Lines, Text}, Binaries) ->
    py_reply:failure(Channel, Id, Kind, Reason, Lines, Text, Binaries).

-spec overloaded(Limit :: pos_integer()) -> Text :: binary().
overloaded(Limit) ->
    Text =
        case Limit of
            1 -> "concurrency limit reached: 1 call is running";
            _ -> ["concurrency limit reached: ", integer_to_list(Limit), " calls are running"]
        end,
    iolist_to_binary([Text, "; wait=True waits for a place"]).
