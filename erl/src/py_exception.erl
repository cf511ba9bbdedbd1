%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The class names of Python exceptions as atoms, which is how users match them. Python code can
%% make up class names without end, so only so many new atoms come into being in the life of a
%% node; after that an unheard-of name stays a binary.
-module(py_exception).

-export([prepare/0, name/1]).

-define(MAX_NEW_ATOMS, 10000).

%% The count of new atoms; kept over restarts of the application, as the atoms are.
-define(COUNTER, {?MODULE, new_atoms}).

-spec prepare() -> ok.
prepare() ->
    case persistent_term:get(?COUNTER, none) of
        none -> persistent_term:put(?COUNTER, counters:new(1, []));
        _Counter -> ok
    end.

-spec name(binary()) -> atom() | binary().
name(Name) ->
    try
        binary_to_existing_atom(Name)
    catch
        error:_ -> new_name(Name)
    end.

-spec new_name(binary()) -> atom() | binary().
new_name(Name) ->
    Counter = persistent_term:get(?COUNTER),
    ok = counters:add(Counter, 1, 1),
    case counters:get(Counter, 1) =< ?MAX_NEW_ATOMS of
        true ->
            try
                binary_to_atom(Name)
            catch
                %% Longer than an atom may be.
                error:_ -> Name
            end;
        false ->
            Name
    end.
