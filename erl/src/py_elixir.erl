%% SPDX-License-Identifier: Apache-2.0
%% @private
%% What only a node with Elixir has. No other module names Elixir's modules.
-module(py_elixir).

-export([banner/2]).

%% An Elixir exception as Elixir prints it, e.g. `** (ArgumentError) no such user'.
-spec banner(Reason :: term(), Stack :: list()) -> {ok, binary()} | none.
banner(#{'__exception__' := true, '__struct__' := Struct} = Exception, Stack) when is_atom(Struct) ->
    %% A name in a variable: xref looks for no module that may be missing.
    Printer = 'Elixir.Exception',
    try
        {ok, iolist_to_binary(Printer:format_banner(error, Exception, Stack))}
    catch
        %% Elixir is missing, or the exception's own message/1 has failed.
        _:_ -> none
    end;
banner(_Reason, _Stack) ->
    none.
