%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The dictionary entries of a process that makes requests: the context that it holds, its calls
%% that are not awaited yet, and the traceback of its last exception.
%%
%% A handler runs registered functions one after another, and nested ones, in one process. Each
%% function must find the process like a new one. So each run begins without these entries, and what
%% the function leaves is released at its end.
-module(py_scope).

-export([run/1]).

-spec run(fun(() -> ok)) -> ok.
run(Function) ->
    Keys = [py_context_held:key(), py_request_async:key(), py_request_result:key()],
    Outer = [{Key, erase(Key)} || Key <- Keys],
    ok = Function(),
    ok = py_context_held:release(),
    ok = py_request_async:give_up_all(),
    lists:foreach(fun restore/1, Outer).

-spec restore({Key :: atom(), Value :: term()}) -> term().
restore({Key, undefined}) -> erase(Key);
restore({Key, Value}) -> put(Key, Value).
