%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Activates virtual environments while Python runs.
-module(py_venv).

-export([activate/1, deactivate/0, info/0]).

-define(TIMEOUT, 30000).

-spec activate(Path :: binary()) ->
    ok | {error, {invalid_venv, Folder :: binary()} | py_request_result:reason()}.
activate(Path) ->
    case request({activate_venv, Path}) of
        {ok, Folder} when is_binary(Folder) -> {error, {invalid_venv, Folder}};
        {ok, _None} -> ok;
        {error, _} = Error -> Error
    end.

-spec deactivate() -> ok | {error, py_request_result:reason()}.
deactivate() ->
    case request(deactivate_venv) of
        {ok, _None} -> ok;
        {error, _} = Error -> Error
    end.

-spec info() -> {ok, #{binary() => term()}} | {error, py_request_result:reason()}.
info() ->
    request(venv_info).

-spec request(py_nif:control()) -> {ok, term()} | {error, py_request_result:reason()}.
request(Request) ->
    py_request_router:request(Request, ?TIMEOUT).
