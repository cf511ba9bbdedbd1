%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The state that a process has as a caller of Python: one record under one key of the process
%% dictionary. A process without such state has no entry.
%%
%% A handler runs registered functions one after another, and nested ones, in one process. Each
%% function must find the process like a new one: see begin_call/1 and end_call/1.
-module(py_caller).

-export([begin_call/1, end_call/1]).
-export([held/0, set_held/1, workers/0, set_workers/1, traceback/0, set_traceback/1]).
-export([waiting/0, set_waiting/1, ancestors/0, set_ancestors/1]).

-export_type([outer/0, workers/0, waiting/0, ancestors/0]).

-define(KEY, '$erlang_python_caller').

-record(caller, {
    %% The context that the process holds.
    held = none :: py_context_held:held() | none,
    %% The processes of the requests that the process has not awaited.
    workers = #{} :: workers(),
    %% The traceback of the last exception.
    traceback = none :: binary() | none,
    %% The Python thread that waits for the process; see py_nested.
    waiting = none :: waiting() | none,
    %% The ancestors of the call that the process works on; see py_ancestors.
    ancestors = none :: ancestors() | none
}).

-type workers() :: #{reference() => pid()}.
-type waiting() :: {py_nif:channel(), py_deadline:deadline()}.
%% Names of functions.
-type ancestors() :: [binary()].

-opaque outer() :: #caller{}.

%% The process runs a function for the waiting thread from now on. Returns the state to which
%% end_call/1 goes back.
-spec begin_call(waiting()) -> outer().
begin_call(Waiting) ->
    Outer = load(),
    Ancestors =
        case Outer of
            #caller{ancestors = none} -> [];
            #caller{ancestors = Known} -> Known
        end,
    store(#caller{waiting = Waiting, ancestors = Ancestors}),
    Outer.

-spec end_call(outer()) -> ok.
end_call(Outer) ->
    store(Outer).

-spec held() -> py_context_held:held() | none.
held() ->
    (load())#caller.held.

-spec set_held(py_context_held:held() | none) -> ok.
set_held(Held) ->
    store((load())#caller{held = Held}).

-spec workers() -> workers().
workers() ->
    (load())#caller.workers.

-spec set_workers(workers()) -> ok.
set_workers(Workers) ->
    store((load())#caller{workers = Workers}).

-spec traceback() -> binary() | none.
traceback() ->
    (load())#caller.traceback.

-spec set_traceback(binary()) -> ok.
set_traceback(Traceback) ->
    store((load())#caller{traceback = Traceback}).

-spec waiting() -> waiting() | none.
waiting() ->
    (load())#caller.waiting.

-spec set_waiting(waiting()) -> ok.
set_waiting(Waiting) ->
    store((load())#caller{waiting = Waiting}).

%% `none' if the process works on no call.
-spec ancestors() -> ancestors() | none.
ancestors() ->
    (load())#caller.ancestors.

-spec set_ancestors(ancestors() | none) -> ok.
set_ancestors(Ancestors) ->
    store((load())#caller{ancestors = Ancestors}).

-spec load() -> #caller{}.
load() ->
    case get(?KEY) of
        undefined -> #caller{};
        Caller -> Caller
    end.

-spec store(#caller{}) -> ok.
store(#caller{} = Caller) when Caller =:= #caller{} ->
    _ = erase(?KEY),
    ok;
store(Caller) ->
    _ = put(?KEY, Caller),
    ok.
