%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The ancestors of a call: the outer calls on whose behalf it is made. A function that Python has
%% called may call Python, and Python may call Erlang again, on any threads and processes. Each such
%% call carries the names of the functions with limited concurrency among its ancestors. A nested
%% call of one of these functions is admitted at once. A nested call also bypasses `max_in_flight',
%% even if no ancestor has a limit.
%%
%% The ancestors travel as follows:
%%   in the process that runs the function   in its py_caller
%%   with a request to Python                in a tuple around the request
%%   in Python                               in a context variable, which tasks and
%%                                           `asyncio.to_thread' inherit
%%   back to Erlang                          with the call
%%
%% Calls from processes or threads that the function has started itself do not count as nested.
-module(py_ancestors).

-export([within/2, around/1]).

%% Runs a function with these ancestors.
-spec within(py_caller:ancestors(), fun(() -> Value)) -> Value.
within([], Fun) ->
    Fun();
within(Ancestors, Fun) ->
    Outer = py_caller:ancestors(),
    py_caller:set_ancestors(Ancestors),
    Value = Fun(),
    py_caller:set_ancestors(Outer),
    Value.

%% The request, with the ancestors of the calling process.
-spec around(Request) -> py_nif:nested(Request).
around(Request) ->
    case py_caller:ancestors() of
        none -> Request;
        Ancestors -> {nested, Ancestors, Request}
    end.
