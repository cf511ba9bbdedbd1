%% SPDX-License-Identifier: Apache-2.0
%% @private
%% On whose behalf calls are made. A function that Python has called may call Python, which calls
%% Erlang again, on whatever threads and processes. Each such call knows the calls further out that
%% wait for it, by the keys of those which hold a place of their function's (see py_gate), nearest
%% first: so that it waits for none of them. That a call is nested at all, whatever holds a place,
%% is worth knowing too: `max_in_flight' does not refuse it for the sake of its own ancestors.
%%
%% They travel as follows. In the process that runs the function: in its dictionary; with a request
%% to Python: in a tuple around that; in Python: in a context variable, which tasks and
%% `asyncio.to_thread' inherit; back to Erlang: with the call. What a function does through
%% processes or threads that it starts by itself is not known to be its own.
-module(py_ancestors).

-export([within/2, inherit/1, of_caller/0, around/1]).

%% In the process that works on a call, if there are any.
-define(ANCESTORS, '$erlang_python_ancestors').

%% Runs a function with these ancestors.
-spec within([py_gate:key()], fun(() -> Value)) -> Value.
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

%% For a process that works for another one, with what of_caller/0 has said there.
-spec inherit([py_gate:key()] | none) -> ok.
inherit(none) ->
    ok;
inherit(Ancestors) ->
    _ = put(?ANCESTORS, Ancestors),
    ok.

%% Of the call that the calling process works on; `none' if it works on none.
-spec of_caller() -> [py_gate:key()] | none.
of_caller() ->
    case get(?ANCESTORS) of
        undefined ->
            case py_nested:channel() =/= none orelse py_call:is_worker() of
                true -> [];
                false -> none
            end;
        Ancestors ->
            Ancestors
    end.

%% The request, with what the calling process knows.
-spec around(py_nif:plain_request()) -> py_nif:request().
around(Request) ->
    case of_caller() of
        none -> Request;
        Ancestors -> {nested, Ancestors, Request}
    end.
