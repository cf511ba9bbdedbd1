%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Named values that a user gives: a map, or a property list, which may be an Elixir keyword list.
%% In a list an atom stands for `{Atom, true}', and the first value of a name counts, as in
%% `proplists'. Anything else fails with `badarg'.
-module(py_properties).

-export([to_map/1]).

-export_type([properties/1]).

-type properties(Name) :: #{Name => term()} | [{Name, term()} | atom()].

-spec to_map(properties(Name)) -> #{Name | atom() => term()}.
to_map(Properties) when is_map(Properties) ->
    Properties;
to_map(Properties) when length(Properties) >= 0 ->
    maps:from_list([property(Property) || Property <- lists:reverse(Properties)]);
to_map(_Properties) ->
    error(badarg).

-spec property(term()) -> {term(), term()}.
property({_Name, _Value} = Property) -> Property;
property(Name) when is_atom(Name) -> {Name, true};
property(_Other) -> error(badarg).
