%% SPDX-License-Identifier: Apache-2.0
%% @private
%% What only a node with Elixir has. No other module calls Elixir's modules. Their names are in
%% variables or macros, since xref looks for modules that may be missing.
-module(py_elixir).

-export([is_available/0, banner/2, enumerable/0, map_set_fields/0, has_decimal/0]).

-spec is_available() -> boolean().
is_available() ->
    is_loaded('Elixir.Enumerable').

%% An Elixir exception as Elixir prints it, e.g. `** (ArgumentError) no such user'.
-spec banner(Reason :: term(), Stack :: list()) -> {ok, binary()} | none.
banner(#{'__exception__' := true, '__struct__' := Struct} = Exception, Stack) when is_atom(Struct) ->
    Printer = 'Elixir.Exception',
    try
        {ok, iolist_to_binary(Printer:format_banner(error, Exception, Stack))}
    catch
        %% Elixir is missing, or the exception's own message/1 has failed.
        _:_ -> none
    end;
banner(_Reason, _Stack) ->
    none.

%% The structs, and a few other modules, that implement the protocol Enumerable. Mix consolidates
%% protocols, so the list is at hand; a script looks for implementations in the code path.
-spec enumerable() -> [module()].
enumerable() ->
    Enumerable = 'Elixir.Enumerable',
    case Enumerable:'__protocol__'(impls) of
        {consolidated, Modules} ->
            Modules;
        not_consolidated ->
            Protocol = 'Elixir.Protocol',
            Protocol:extract_impls(Enumerable, code:get_path())
    end.

%% The fields of an empty MapSet. They differ between versions of Elixir.
-spec map_set_fields() -> [{atom(), term()}].
map_set_fields() ->
    MapSet = 'Elixir.MapSet',
    maps:to_list(maps:remove('__struct__', MapSet:new())).

%% Decimal is a package of its own.
-spec has_decimal() -> boolean().
has_decimal() ->
    is_loaded('Elixir.Decimal').

-spec is_loaded(module()) -> boolean().
is_loaded(Module) ->
    code:ensure_loaded(Module) =:= {module, Module}.
