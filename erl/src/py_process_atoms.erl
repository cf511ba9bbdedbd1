%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Makes the atoms that Python processes beside the node send. Erlang never frees atoms, so the
%% processes can make a limited number of new ones, together, in the life of the node. A call with
%% an atom over the limit fails.
-module(py_process_atoms).

-export([make/1]).

-define(MOST, 100000).

%% Takes a list of texts in the external term format; ignores what can't be an atom.
-spec make(Encoded :: binary()) -> ok.
make(Encoded) ->
    case py_process_frame:texts(Encoded) of
        {ok, Texts} -> lists:foreach(fun make_one/1, Texts);
        error -> ok
    end.

-spec make_one(Text :: binary()) -> ok.
make_one(Text) ->
    try
        _ = binary_to_existing_atom(Text),
        ok
    catch
        error:_ -> make_new(Text)
    end.

-spec make_new(Text :: binary()) -> ok.
make_new(Text) ->
    Made = made(),
    case atomics:add_get(Made, 1, 1) of
        Count when Count > ?MOST ->
            atomics:sub(Made, 1, 1);
        _ ->
            try
                _ = binary_to_atom(Text),
                ok
            catch
                %% No UTF-8, or longer than an atom.
                error:_ -> atomics:sub(Made, 1, 1)
            end
    end.

%% The count of new atoms. It lives as long as the atoms do: longer than the application.
-spec made() -> atomics:atomics_ref().
made() ->
    case persistent_term:get(?MODULE, none) of
        none ->
            Made = atomics:new(1, []),
            %% Another process may be here too. Its few atoms may be lost from the count.
            ok = persistent_term:put(?MODULE, Made),
            Made;
        Made ->
            Made
    end.
