%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Virtual environments: what py:activate_venv/1 and its siblings ask Python for.
-module(py_venv).

-export([activate/1, deactivate/0, info/0]).

-define(MODULE_NAME, 'erlang._venv').

-spec activate(Path :: py:name()) -> ok | {error, {invalid_venv, binary()} | py:reason()}.
activate(Path) ->
    case py:call(?MODULE_NAME, activate, [py_request:name(Path)]) of
        {ok, none} -> ok;
        {ok, Folder} -> {error, {invalid_venv, Folder}};
        {error, _} = Error -> Error
    end.

-spec deactivate() -> ok | {error, py:reason()}.
deactivate() ->
    case py:call(?MODULE_NAME, deactivate, []) of
        {ok, _} -> ok;
        {error, _} = Error -> Error
    end.

-spec info() -> {ok, #{binary() => term()}} | {error, py:reason()}.
info() ->
    py:call(?MODULE_NAME, info, []).
