%% SPDX-License-Identifier: Apache-2.0
%% @private
%% What a process that makes requests keeps about them in its dictionary: the context that it holds,
%% the calls that it has not awaited yet, the traceback of its last exception.
%%
%% A handler runs one registered function after another, and nested ones, in one process. To each it
%% is as if the process were its own: it finds nothing of the others', and what it leaves ends with
%% it.
-module(py_scope).

-export([run/1]).

-spec run(fun(() -> ok)) -> ok.
run(Function) ->
    Keys = [py_held:key(), py_async:key(), py_outcome:key()],
    Outer = [{Key, erase(Key)} || Key <- Keys],
    ok = Function(),
    ok = py_held:release(),
    ok = py_async:give_up_all(),
    lists:foreach(fun restore/1, Outer).

-spec restore({Key :: atom(), Value :: term()}) -> term().
restore({Key, undefined}) -> erase(Key);
restore({Key, Value}) -> put(Key, Value).
