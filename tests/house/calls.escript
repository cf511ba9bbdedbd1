%% SPDX-License-Identifier: Apache-2.0
%% Prints which modules call which: one line for each Erlang file of the arguments, with the name of
%% its module and then the modules whose functions it calls or refers to. Types don't count.

main(Files) ->
    [io:format("~ts~n", [lists:join(" ", line(File))]) || File <- Files].

line(File) ->
    {ok, Forms} = epp:parse_file(File, []),
    [Module] = [Name || {attribute, _, module, Name} <- Forms],
    Functions = [Form || {function, _, _, _, _} = Form <- Forms],
    [atom_to_list(Name) || Name <- [Module | lists:usort(called(Functions))]].

%% The modules in `module:function(...)' and `fun module:function/arity'.
called({remote, _, {atom, _, Module}, Function}) ->
    [Module | called(Function)];
called({function, {atom, _, Module}, _Name, _Arity}) ->
    [Module];
called(Form) when is_tuple(Form) ->
    called(tuple_to_list(Form));
called([Form | Forms]) ->
    called(Form) ++ called(Forms);
called(_) ->
    [].
