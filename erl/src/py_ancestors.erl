%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The ancestors of a call: the outer calls on whose behalf it is made. A function that Python has
%% called may call Python, and Python may call Erlang again, on any threads and processes. Each such
%% call carries the keys of the outer calls that hold a place of their function, nearest first (see
%% py_function_limit). So the call never waits for a place of its own ancestors. A nested call also
%% bypasses `max_in_flight', even if no ancestor holds a place.
%%
%% The ancestors travel as follows:
%%   in the process that runs the function   in the process dictionary
%%   with a request to Python                in a tuple around the request
%%   in Python                               in a context variable, which tasks and
%%                                           `asyncio.to_thread' inherit
%%   back to Erlang                          with the call
%%
%% Calls from processes or threads that the function has started itself do not count as nested.
-module(py_ancestors).

-export([within/2, inherit/1, of_caller/0, around/1]).

%% A key of the dictionary of a process that works on a call with ancestors.
-define(ANCESTORS, '$erlang_python_ancestors').

%% Runs a function with these ancestors.
-spec within([py_function_limit:key()], fun(() -> Value)) -> Value.
within([], Fun) ->
    Fun();
within(Ancestors, Fun) ->
    Outer = put(?ANCESTORS, Ancestors),
    Value = Fun(),
    _ =
        case Outer of
            undefined -> erase(?ANCESTORS);
            _ -> put(?ANCESTORS, Outer)
        end,
    Value.

%% Sets the ancestors of a process that works for another process. of_caller/0 of that other process
%% has returned them.
-spec inherit([py_function_limit:key()] | none) -> ok.
inherit(none) ->
    ok;
inherit(Ancestors) ->
    _ = put(?ANCESTORS, Ancestors),
    ok.

%% The ancestors of the call that the calling process works on; `none' if it works on no call.
-spec of_caller() -> [py_function_limit:key()] | none.
of_caller() ->
    case get(?ANCESTORS) of
        undefined ->
            case py_nested:channel() =/= none orelse py_function_call:is_worker() of
                true -> [];
                false -> none
            end;
        Ancestors ->
            Ancestors
    end.

%% The request, with the ancestors of the calling process.
-spec around(py_nif:plain_request()) -> py_nif:request().
around(Request) ->
    case of_caller() of
        none -> Request;
        Ancestors -> {nested, Ancestors, Request}
    end.
