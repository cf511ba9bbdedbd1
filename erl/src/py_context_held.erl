%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The context that the calling process holds for itself. All requests of the process go there. The
%% pool gets the context back when the process releases it or dies.
%%
%% A `private' context has globals of its own. A `shared' context is only the same thread for a
%% series of requests; if it is lost, it is not replaced.
%%
%% After an abandoned request the thread may be stuck. The next request finds that out. If the
%% thread is still stuck after a while, a context with empty globals replaces it.
-module(py_context_held).

-export([check/1, hold/2, release/0, is_holding/0, request/2]).

-export_type([held/0]).

-type kind() :: private | shared.

-type request() :: py_nif:nested(py_nif:context_request()).

%% The time that an abandoned request has to end, in milliseconds.
-define(STUCK_AFTER, 1000).

-record(held, {
    kind :: kind(),
    %% `none' while a lost context has no replacement yet.
    lease :: {py_context_leases:lease(), py_nif:context()} | none,
    %% The time since which the thread may be stuck, in milliseconds of monotonic time.
    unsure = false :: false | integer()
}).

-opaque held() :: #held{}.

%% Fails with `badarg' for what can't run in a held context.
-spec check(term()) -> ok.
check(Fun) when is_function(Fun, 0) -> ok;
check(_Fun) -> error(badarg).

%% `outer': the process held a context already.
-spec hold(kind(), py_deadline:deadline()) ->
    {ok, mine | outer} | {error, py_request_result:reason()}.
hold(Kind, Deadline) ->
    case py_caller:held() of
        none ->
            case lease(#held{kind = Kind, lease = none}, Deadline) of
                {ok, Held} ->
                    py_caller:set_held(Held),
                    {ok, mine};
                {error, _} = Error ->
                    Error
            end;
        #held{} ->
            {ok, outer}
    end.

%% `ok' also if the process holds no context.
-spec release() -> ok.
release() ->
    case py_caller:held() of
        none ->
            ok;
        Held ->
            py_caller:set_held(none),
            give_back(Held)
    end.

-spec give_back(#held{}) -> ok.
give_back(#held{lease = none}) ->
    ok;
give_back(#held{lease = {Lease, _}, kind = shared, unsure = false}) ->
    py_context_pool:checkin(Lease, free);
give_back(#held{lease = {Lease, Context}, kind = private, unsure = false}) ->
    case py_request_wait:run_in_context(Context, reset, py_deadline:in(?STUCK_AFTER)) of
        {free, {ok, _}} -> py_context_pool:checkin(Lease, free);
        closed -> py_context_pool:checkin(Lease, closed);
        _ -> py_context_pool:checkin(Lease, abandoned)
    end;
give_back(#held{lease = {Lease, _}}) ->
    %% The pool cleans the context up.
    py_context_pool:checkin(Lease, abandoned).

-spec is_holding() -> boolean().
is_holding() ->
    py_caller:held() =/= none.

%% Makes a request on the held context and waits for its answer.
-spec request(request(), py_deadline:deadline()) -> {ok, py_request_result:answer()} | none.
request(Request, Deadline) ->
    case py_caller:held() of
        none -> none;
        Held -> {ok, run(Held, Request, Deadline)}
    end.

-spec run(#held{}, request(), py_deadline:deadline()) -> py_request_result:answer().
run(Held = #held{lease = none}, Request, Deadline) ->
    case lease(Held, Deadline) of
        {ok, Leased} ->
            py_caller:set_held(Leased),
            run(Leased, Request, Deadline);
        {error, _} = Error ->
            Error
    end;
run(Held = #held{lease = {Lease, Context}, unsure = false}, Request, Deadline) ->
    case py_request_wait:run_in_context(Context, Request, Deadline) of
        {free, Answer} ->
            Answer;
        {abandoned, Answer} ->
            py_caller:set_held(Held#held{unsure = erlang:monotonic_time(millisecond)}),
            Answer;
        closed ->
            lost(Held, Lease, closed, Request, Deadline)
    end;
run(Held = #held{lease = {Lease, Context}, unsure = Since}, Request, Deadline) ->
    Limit = Since + ?STUCK_AFTER,
    case py_request_wait:run_in_context(Context, ping, py_deadline:earlier(Deadline, Limit)) of
        {free, _} ->
            Well = Held#held{unsure = false},
            py_caller:set_held(Well),
            run(Well, Request, Deadline);
        {abandoned, _} ->
            case py_deadline:left(Limit) of
                0 -> lost(Held, Lease, stuck, Request, Deadline);
                _ -> {error, timeout}
            end;
        closed ->
            lost(Held, Lease, closed, Request, Deadline)
    end.

-spec lost(
    #held{}, py_context_leases:lease(), closed | stuck, request(), py_deadline:deadline()
) -> py_request_result:answer().
lost(Held, Lease, How, Request, Deadline) ->
    py_context_pool:checkin(Lease, How),
    Lost = Held#held{lease = none, unsure = false},
    py_caller:set_held(Lost),
    case Held of
        #held{kind = private} -> run(Lost, Request, Deadline);
        #held{kind = shared} -> {error, disconnected}
    end.

-spec lease(#held{}, py_deadline:deadline()) -> {ok, #held{}} | {error, py_request_result:reason()}.
lease(Held = #held{kind = Kind}, Deadline) ->
    case py_context_pool:checkout(Deadline) of
        {ok, Lease, Context} when Kind =:= shared ->
            {ok, Held#held{lease = {Lease, Context}}};
        {ok, Lease, Context} ->
            case py_request_wait:run_in_context(Context, enter_private, Deadline) of
                {free, {ok, _}} ->
                    {ok, Held#held{lease = {Lease, Context}}};
                {_, {error, _} = Error} ->
                    py_context_pool:checkin(Lease, abandoned),
                    Error;
                closed ->
                    py_context_pool:checkin(Lease, closed),
                    lease(Held, Deadline)
            end;
        {error, _} = Error ->
            Error
    end.
