%% SPDX-License-Identifier: Apache-2.0
%% Finds the cases of a Common Test suite: functions whose only argument is `Config' or `_Config'. A
%% helper with one argument calls its argument something else. A house test finds functions that are
%% neither cases nor helpers.
-module(cases).

-export([of_suite/1]).

%% In the order of the source.
-spec of_suite(module()) -> [atom()].
of_suite(Suite) ->
    {ok, {Suite, [{abstract_code, {raw_abstract_v1, Forms}}]}} =
        beam_lib:chunks(code:which(Suite), [abstract_code]),
    [
        Name
     || {function, _, Name, 1, [{clause, _, [{var, _, Argument}], _, _}]} <- Forms,
        lists:member(Argument, ['Config', '_Config']),
        not lists:member(Name, [init_per_suite, end_per_suite])
    ].
