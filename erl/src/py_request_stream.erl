%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Collects the items of a Python iterator in batches. Each batch is a request to the same thread.
%% So the timeout counts from the last batch.
-module(py_request_stream).

-export([collect/1]).

%% Milliseconds without a batch until the iterator is given up.
-define(TIMEOUT, 30000).

-spec collect(py_nif:context_request()) -> {ok, [term()]} | {error, py_request_result:reason()}.
collect(Request) ->
    case py_request_router:is_bound() of
        true ->
            pull(Request, []);
        false ->
            case py_context_held:hold(shared, py_deadline:in(?TIMEOUT)) of
                {ok, _} ->
                    Result = pull(Request, []),
                    py_context_held:release(),
                    Result;
                {error, _} = Error ->
                    Error
            end
    end.

-spec pull(py_nif:context_request(), Batches :: [[term()]]) -> {ok, [term()]} | {error, term()}.
pull(Request, Batches) ->
    case py_request_router:request(Request, ?TIMEOUT) of
        {ok, Batch} ->
            {Items, [Rest]} = lists:split(length(Batch) - 1, Batch),
            case Rest of
                Number when is_integer(Number) ->
                    pull({stream_more, Number}, [Items | Batches]);
                _None ->
                    {ok, lists:append(lists:reverse(Batches, [Items]))}
            end;
        {error, {_Exception, _Text}} = Error ->
            %% An item without an Erlang value has left an iterator behind in the thread. Drop the
            %% iterator.
            _ = py_request_router:request(stream_drop, ?TIMEOUT),
            Error;
        {error, _} = Error ->
            Error
    end.
