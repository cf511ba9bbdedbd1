#!/usr/bin/env escript
%% SPDX-License-Identifier: Apache-2.0
%% doc_chunks.escript FOLDER: writes the documentation of the public modules as EEP-48 chunks into
%% FOLDER/chunks. There `h(py)` of the Erlang shell and `h :py` of iex find them. Run it in the
%% project's root. Without the application edoc, e.g. in a minimal Debian, nothing is written.
-mode(compile).

main([Folder]) ->
    case code:ensure_loaded(edoc_doclet_chunks) of
        {module, _} -> write(Folder);
        {error, _} -> ok
    end.

write(Folder) ->
    edoc:files(public_modules(), [
        {doclet, edoc_doclet_chunks},
        {layout, edoc_layout_chunks},
        {dir, Folder},
        {preprocess, true},
        {includes, ["erl/src"]}
    ]).

public_modules() ->
    [File || File <- filelib:wildcard("erl/src/*.erl"), is_public(File)].

%% The header of a private module has a line `@private`.
is_public(File) ->
    {ok, Text} = file:read_file(File),
    {match, [Header]} = re:run(Text, "\\A(?:%%.*\n)*", [{capture, first, binary}]),
    binary:match(Header, <<"@private">>) =:= nomatch.
