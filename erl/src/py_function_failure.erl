%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The texts of a registered function's failure: the reason, and the stack.
-module(py_function_failure).

-export([text/1, text/4, lines/1]).

%% Limits for printed terms, in characters.
-define(MAX_TEXT, 2000).
-define(MAX_FRAME_ARGS, 200).

%% A term as Erlang prints it, on one line and cut to a limit.
-spec text(term()) -> binary().
text(Term) ->
    printed(Term, ?MAX_TEXT).

%% The reason, and what is wrong with the function or its arguments. Elixir's exceptions are printed
%% as Elixir prints them.
-spec text(py_function_target:target(), Args :: [term()], Reason :: term(), Stack :: list()) ->
    binary().
text(Target, Args, Reason, Stack) ->
    case py_elixir:banner(Reason, Stack) of
        {ok, Banner} -> Banner;
        none -> iolist_to_binary([text(Reason), explanation(Target, Args, Reason, Stack)])
    end.

-spec explanation(py_function_target:target(), [term()], Reason :: term(), Stack :: list()) ->
    iodata().
explanation({Form, Function}, Args, Reason, [{_, _, _, _} = Frame | _]) when
    Reason =:= undef; Reason =:= function_clause
->
    case py_function_target:is_called_in(Function, Frame) of
        true when Form =:= list -> [no_function(Reason, Function, Frame), got_list(Function, Args)];
        true -> no_function(Reason, Function, Frame);
        false -> no_function(Reason, elsewhere, Frame)
    end;
explanation(_Target, _Args, {badarity, {Fun, Given}}, _Stack) when is_function(Fun) ->
    {arity, Arity} = erlang:fun_info(Fun, arity),
    ["; the fun takes ", count(Arity), ", the call has ", integer_to_list(length(Given))];
explanation(_Target, _Args, _Reason, _Stack) ->
    [].

-spec no_function(undef | function_clause, Function :: term(), Frame :: tuple()) -> iodata().
no_function(undef, _Function, {Module, Name, Args, _}) ->
    ["; there is no function ", name(Module, Name, arity(Args))];
no_function(function_clause, Fun, _Frame) when is_function(Fun) ->
    "; no clause of the fun takes what it got";
no_function(function_clause, _Function, {Module, Name, Args, _}) ->
    ["; no clause of ", name(Module, Name, arity(Args)), " takes what it got"].

%% The remedy: the function may have been written for the arguments themselves.
-spec got_list(py_function_target:implementation(), Args :: [term()]) -> iodata().
got_list({Module, Name}, Args) ->
    [
        "; it gets one list of all arguments; with the option apply => true, ",
        [name(Module, Name, length(Args)), " gets ", count(length(Args))]
    ];
got_list(_Fun, Args) ->
    [
        ["; it gets one list, here of ", count(length(Args))],
        "; a fun of another arity, or with the option apply => true, gets the arguments themselves"
    ].

-spec count(non_neg_integer()) -> iodata().
count(1) -> "1 argument";
count(Number) -> [integer_to_list(Number), " arguments"].

-spec arity(arity() | [term()]) -> arity().
arity(Args) when is_list(Args) -> length(Args);
arity(Arity) -> Arity.

-spec lines(Stack :: list()) -> [binary()].
lines(Stack) ->
    [line(Frame) || Frame <- Stack].

%% `erlang:raise/3' allows a frame with a fun. Dialyzer does not know of such frames.
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
