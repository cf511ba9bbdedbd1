%% SPDX-License-Identifier: Apache-2.0
%% What users read when an argument is wrong.
-module(error_info_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

%% No argument of a public function can be this.
-define(WRONG, {wrong}).

every_public_function_explains_every_wrong_argument(_Config) ->
    Functions = [
        {Module, Function, Arity}
     || Module <- public(),
        {Function, Arity} <- Module:module_info(exports),
        Arity > 0,
        not lists:member({Module, Function}, others())
    ],
    ?assert(length(Functions) > 20),
    [
        ?assertEqual({F, Arity}, {F, length(explained(F, wrong(Arity)))})
     || {_, _, Arity} = F <- Functions
    ].

public() ->
    [py, py_adapter, py_context, py_loop].

%% Their arguments are options, or they are no functions of users.
others() ->
    [{Module, module_info} || Module <- public()] ++
        [{py_adapter, Function} || Function <- [check, check_function, adapt]] ++
        [{py_loop, Function} || Function <- [start_link, child_spec]].

wrong(Arity) ->
    lists:duplicate(Arity, ?WRONG).

%% The positions of the arguments that an error of this function explains.
explained({Module, Function, _Arity}, Args) ->
    maps:keys(explanations(fun() -> apply(Module, Function, Args) end)).

explanations(Fun) ->
    try Fun() of
        Value -> error({no_failure, Value})
    catch
        error:badarg:Stack ->
            [{_, _, Args, Info} | _] = Stack,
            ?assert(is_list(Args)),
            {error_info, #{module := Module}} = lists:keyfind(error_info, 1, Info),
            maps:map(
                fun(_, Text) -> unicode:characters_to_list(Text) end,
                Module:format_error(badarg, Stack)
            )
    end.

only_the_wrong_argument_is_explained(_Config) ->
    [
        ?assertEqual({Position, true}, is_only(Position, Start, Fun), Start)
     || {Position, Start, Fun} <- [
            {2, "must be a fun, or a module", fun() -> py:register_function(f, 17) end},
            {3, "must be options", fun() -> py:register_function(f, fun(_) -> ok end, 17) end},
            {3, "must be options: a map, or a list of {Name, Value}; after a module", fun() ->
                py:register_function(f, fun(_) -> ok end, infinity)
            end},
            {2, "must be a fun; with a module", fun() -> py:register_function(f, lists, #{}) end},
            {1, "must be a name", fun() -> py:unregister_function([{x}]) end},
            {3, "must be the list", fun() -> py:call(math, sqrt, 16) end},
            {1, "must be a name", fun() -> py:call(17, sqrt, [16]) end},
            {4, "must be keyword arguments", fun() -> py:call(time, sleep, [1], {a, 1}) end},
            {4, "must be keyword arguments: a map, or a list of {Name, Value}; the timeout", fun() ->
                py:call(time, sleep, [1], 5000)
            end},
            {4, "must be keyword arguments", fun() -> py:call(time, sleep, [1], [{17, 1}]) end},
            {5, "must be a timeout", fun() -> py:call(time, sleep, [1], #{}, -1) end},
            {2, "must be local variables", fun() -> py:eval(<<"1">>, 1000) end},
            {1, "must be Python code", fun() -> py:exec([foo]) end},
            {1, "must be a list of calls", fun() -> py:async_gather([{math, sqrt}]) end},
            {1, "must be a reference", fun() -> py:await(no_reference, 1) end},
            {1, "must be a fun without", fun() -> py_context:with(fun(X) -> X end) end},
            {1, "must be a loop", fun() -> py_loop:call(17, math, sqrt, [1]) end},
            {2, "must be milliseconds", fun() -> py_loop:stop(jobs, infinity) end}
        ]
    ].

is_only(Position, Start, Fun) ->
    case explanations(Fun) of
        #{Position := Text} = One when map_size(One) =:= 1 ->
            {Position, lists:prefix(Start, Text)};
        Other ->
            {Position, Other}
    end.

the_shell_prints_the_explanation(_Config) ->
    try py:call(math, sqrt, 16) of
        _ -> error(no_failure)
    catch
        error:badarg:Stack ->
            Text = lists:flatten(erl_error:format_exception(error, badarg, Stack)),
            ?assertNotEqual(nomatch, string:find(Text, "py:call/5")),
            ?assertNotEqual(nomatch, string:find(Text, "argument 3: must be the list"))
    end.

%% A failure inside a function of the user is not taken for a wrong argument.
a_badarg_of_users_code_stays_as_it_is(_Config) ->
    NoAtom = binary_to_term(term_to_binary(17)),
    try py_context:with(fun() -> atom_to_list(NoAtom) end) of
        _ -> error(no_failure)
    catch
        error:badarg:Stack ->
            [{Module, Function, _, _} | _] = Stack,
            ?assertEqual({erlang, atom_to_list}, {Module, Function})
    end.
