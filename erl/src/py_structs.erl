%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Tells Python about Elixir's structs at the start of the application. Without Elixir in the node
%% there is nothing to tell.
-module(py_structs).

-export([install/1, settings/1]).

-define(TIMEOUT, 30000).

%% Called by the supervisor, as the start of a child. `elixir': values of Python become structs.
-spec install(none | elixir) -> ignore | {error, term()}.
install(Structs) ->
    case {py_elixir:is_available(), Structs} of
        {true, _} -> request(erlang:insert_element(1, settings(Structs), install_structs));
        {false, none} -> ignore;
        {false, elixir} -> {error, {bad_option, structs, {elixir, elixir_is_not_in_the_code_path}}}
    end.

%% What Python must know of structs; also Python processes beside the node.
-spec settings(none | elixir) -> {Enumerable :: [module()], Twins :: none | map()}.
settings(Structs) ->
    case py_elixir:is_available() of
        true -> {py_elixir:enumerable(), twins(Structs)};
        false -> {[], none}
    end.

-spec twins(none | elixir) -> none | map().
twins(none) -> none;
twins(elixir) -> #{map_set => py_elixir:map_set_fields(), decimal => py_elixir:has_decimal()}.

-spec request(py_nif:control()) -> ignore | {error, term()}.
request(Request) ->
    case py_request_router:request(Request, ?TIMEOUT) of
        {ok, _None} -> ignore;
        {error, Why} -> {error, {structs, Why}}
    end.
