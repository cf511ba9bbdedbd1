%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Runs one registered function and ends its call: with its value, or with what it failed with.
%% Used by handlers (sync calls) and as the whole life of a worker process (async calls). If the
%% process dies in between, whoever watches it ends the call.
-module(py_call).

-export([run/5, work/6, is_worker/0, died/3]).

-export_type([options/0]).

%% What a call that finds no place does, if its caller has said so; and on whose behalf it is made.
-type options() :: default | {py_gates:overload() | default, Ancestors :: [py_gate:key()]}.

-type outcome() ::
    {value, term()} | {failed, error | exit | throw, Reason :: term(), Stack :: list()}.

%% Bounds for what is printed of terms: characters.
-define(MAX_TEXT, 2000).
-define(MAX_FRAME_ARGS, 200).

-define(UNDEFINED, <<"no Erlang function is registered under this name">>).
-define(NOT_RUNNING, <<"the application erlang_python is not running">>).
-define(NO_GATE, <<"the process that bounds how many of it run was restarted">>).

-spec run(py_nif:channel(), py_nif:call_id(), Name :: binary(), Args :: [term()], options()) -> ok.
run(Channel, Id, Name, Args, default) ->
    run(Channel, Id, Name, Args, {default, []});
run(Channel, Id, Name, Args, {Overload, Ancestors}) ->
    case py_functions:lookup(Name) of
        {ok, Target, unlimited} ->
            finish(Channel, Id, outcome(Target, Args, Ancestors));
        {ok, Target, {Limit, Default}} ->
            Chosen =
                case Overload of
                    default -> Default;
                    _ -> Overload
                end,
            case py_gates:enter(Name, Limit, Chosen, Ancestors) of
                {ok, Key} ->
                    Outcome = outcome(Target, Args, [Key | Ancestors]),
                    py_gates:leave(Key),
                    finish(Channel, Id, Outcome);
                overloaded ->
                    Reason = {concurrency, Limit},
                    py_nif:fail(Channel, Id, overloaded, Reason, [], overloaded(Limit));
                disconnected ->
                    py_nif:fail(Channel, Id, disconnected, no_gate, [], ?NO_GATE)
            end;
        error ->
            py_nif:fail(Channel, Id, undefined_function, Name, [], ?UNDEFINED);
        not_running ->
            py_nif:fail(Channel, Id, disconnected, not_running, [], ?NOT_RUNNING)
    end.

%% The whole life of a worker: the handler, which is linked, hears of either its end or its death.
-spec work(Handler :: pid(), py_nif:channel(), py_nif:call_id(), binary(), [term()], options()) ->
    ok.
work(Handler, Channel, Id, Name, Args, Options) ->
    run(Channel, Id, Name, Args, Options),
    unlink(Handler),
    Handler ! {ended, self()},
    ok.

-spec is_worker() -> boolean().
is_worker() ->
    process_info(self(), initial_call) =:= {initial_call, {?MODULE, work, 6}}.

%% Ends the call of a worker that died before it could: called by its handler.
-spec died(py_nif:channel(), py_nif:call_id(), Reason :: term()) -> ok.
died(Channel, Id, Reason) ->
    Text = <<"the Erlang process that worked on it died: ", (text(Reason))/binary>>,
    py_nif:fail(Channel, Id, disconnected, Reason, [], Text).

%% A term as Erlang prints it, on one line, cut where it gets too long.
-spec text(term()) -> binary().
text(Term) ->
    printed(Term, ?MAX_TEXT).

-spec outcome(py_functions:target(), [term()], Ancestors :: [py_gate:key()]) -> outcome().
outcome(Target, Args, []) ->
    outcome(Target, Args);
outcome(Target, Args, Ancestors) ->
    py_ancestors:within(Ancestors, fun() -> outcome(Target, Args) end).

-spec outcome(py_functions:target(), [term()]) -> outcome().
outcome(Target, Args) ->
    try
        case Target of
            {Module, Function} -> Module:Function(Args);
            Fun -> Fun(Args)
        end
    of
        Value -> {value, Value}
    catch
        Kind:Reason:Stack -> {failed, Kind, Reason, Stack}
    end.

-spec finish(py_nif:channel(), py_nif:call_id(), outcome()) -> ok.
finish(Channel, Id, {value, Value}) ->
    py_nif:reply(Channel, Id, Value);
finish(Channel, Id, {failed, Kind, Reason, Stack}) ->
    py_nif:fail(Channel, Id, Kind, Reason, lines(Stack), text(Reason)).

-spec overloaded(Limit :: pos_integer()) -> Text :: binary().
overloaded(Limit) ->
    <<"as many calls of it run as may at once: ", (integer_to_binary(Limit))/binary>>.

%% Our own frames, and those below them, say nothing about the function that failed.
-spec lines(list()) -> [binary()].
lines(Stack) ->
    [line(Frame) || Frame <- lists:takewhile(fun(Frame) -> not is_own(Frame) end, Stack)].

-spec is_own(tuple()) -> boolean().
is_own({?MODULE, _, _, _}) -> true;
is_own(_) -> false.

%% A frame that `erlang:raise/3' was given may name a fun; Dialyzer doesn't know of those.
-spec line(tuple()) -> binary().
line(Frame) ->
    case tuple_to_list(Frame) of
        [Module, Function, ArityOrArgs, Location] ->
            iolist_to_binary([name(Module, Function, ArityOrArgs), place(Location)]);
        [Fun, ArityOrArgs, Location] ->
            Name = printed(Fun, ?MAX_FRAME_ARGS),
            iolist_to_binary([Name, called_with(ArityOrArgs), place(Location)])
    end.

-spec name(module(), atom(), arity() | [term()]) -> iodata().
name(Module, Function, ArityOrArgs) ->
    [
        printed(Module, ?MAX_FRAME_ARGS),
        $:,
        printed(Function, ?MAX_FRAME_ARGS),
        called_with(ArityOrArgs)
    ].

-spec called_with(arity() | [term()]) -> iodata().
called_with(Arity) when is_integer(Arity) ->
    [$/, integer_to_binary(Arity)];
called_with(Args) ->
    [$(, lists:join(<<", ">>, [printed(Arg, ?MAX_FRAME_ARGS) || Arg <- Args]), $)].

-spec place(list()) -> iodata().
place(Location) ->
    case {lists:keyfind(file, 1, Location), lists:keyfind(line, 1, Location)} of
        {{file, File}, {line, Line}} ->
            [" (", unicode:characters_to_binary(File), $:, integer_to_binary(Line), $)];
        _ ->
            []
    end.

-spec printed(term(), MaxChars :: pos_integer()) -> binary().
printed(Term, MaxChars) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term], [{chars_limit, MaxChars}])).
