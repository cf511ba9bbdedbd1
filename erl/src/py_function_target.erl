%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The Erlang function behind a registered name, and how it gets the arguments of a call: as one
%% list, or each by itself.
-module(py_function_target).

-export([new/2, run/2, is_own_frame/1, is_called_in/2]).

-export_type([implementation/0, target/0]).

-type implementation() :: fun() | {Module :: module(), Function :: atom()}.
-type target() :: {list | arguments, implementation()}.

%% A fun of one argument, and a module's function, get the list. A fun of another arity can't. What
%% is no function fails with `badarg'.
-spec new(implementation(), py_function_options:options()) ->
    {ok, target()} | {error, py_function_options:problem()}.
new(Fun, #{apply := false}) when is_function(Fun), not is_function(Fun, 1) ->
    {error, {bad_option, apply, false, not_a_fun_of_one_argument}};
new(Fun, Options) when is_function(Fun) ->
    {ok, {form(Options, not is_function(Fun, 1)), Fun}};
new({Module, Function} = Exported, Options) when is_atom(Module), is_atom(Function) ->
    {ok, {form(Options, false), Exported}};
new(_Function, _Options) ->
    error(badarg).

-spec form(py_function_options:options(), Default :: boolean()) -> list | arguments.
form(Options, Default) ->
    case maps:get(apply, Options, Default) of
        true -> arguments;
        _ -> list
    end.

-spec run(target(), Args :: [term()]) -> term().
run({list, {Module, Function}}, Args) -> Module:Function(Args);
run({list, Fun}, Args) -> Fun(Args);
run({arguments, {Module, Function}}, Args) -> apply(Module, Function, Args);
run({arguments, Fun}, Args) -> apply(Fun, Args).

-spec is_own_frame(tuple()) -> boolean().
is_own_frame(Frame) ->
    element(1, Frame) =:= ?MODULE.

%% Whether a frame of a stack is the call of the function itself.
-spec is_called_in(implementation(), tuple()) -> boolean().
is_called_in({Module, Function}, {Module, Function, _, _}) ->
    true;
is_called_in(Fun, {Module, Function, _, _}) when is_function(Fun) ->
    %% A fun of the shell is interpreted: its frame has another name.
    erlang:fun_info(Fun, module) =:= {module, Module} andalso
        (Module =:= erl_eval orelse erlang:fun_info(Fun, name) =:= {name, Function});
is_called_in(_Function, _Frame) ->
    false.
