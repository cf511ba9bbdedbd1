%% SPDX-License-Identifier: Apache-2.0
%% @doc A context, i.e. a Python thread of the pool, for one process alone.
%%
%% Usually each request of a process takes a free context while the request runs, and all requests
%% share one `__main__'. A process that holds a context makes all its requests on the thread of that
%% context, with globals of its own. See {@link py:context/1}.
-module(py_context).

-export([with/1, with/2]).

-include("py_error_info.hrl").

-define(DEFAULT_TIMEOUT, 30000).

%% @equiv with(Fun, 30000)
-spec with(fun(() -> Value)) -> Value | {error, Reason :: term()}.
with(Fun) ->
    with(Fun, ?DEFAULT_TIMEOUT).

%% @doc Runs `Fun()' while the calling process holds a context; returns its value.
%%
%% `Timeout', in milliseconds or `infinity', bounds the wait for a free context: if none becomes
%% free, the result is `{error, timeout}'. However `Fun' ends, the context's globals are gone
%% afterwards. If the process holds a context already, `Fun' uses that one.
%%
%% ```
%% {ok, 42} = py_context:with(fun() ->
%%     ok = py:exec(<<"x = 42">>),
%%     py:eval(<<"x">>)
%% end).
%% '''
-spec with(fun(() -> Value), timeout()) -> Value | {error, Reason :: term()}.
with(Fun, Timeout) ->
    ok = ?CHECKED(py_context_held:check(Fun), [Fun, Timeout]),
    ok = ?CHECKED(py_deadline:check(Timeout), [Fun, Timeout]),
    case py_context_held:hold(private, py_deadline:in(Timeout)) of
        {ok, mine} ->
            try
                Fun()
            after
                py_context_held:release()
            end;
        {ok, outer} ->
            Fun();
        {error, _} = Error ->
            Error
    end.
