%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Builds requests to Python from users' arguments. Names can be atoms, binaries or strings; they
%% become binaries. Other arguments fail with `badarg'. py_error_info explains the failure.
-module(py_request).

-export([call/4, coroutine/4, async/4, gather/1, stream/4, eval/2, stream_eval/2, exec/1]).
-export([gc/1, name/1, named/1, text/1]).

-export_type([name/0, code/0, arguments/0, kwargs/0]).

-type name() :: atom() | binary() | string().
-type code() :: binary() | string().
-type arguments() :: [term()].
-type kwargs() :: py_properties:properties(name()).

-spec call(Module :: name(), Function :: name(), arguments(), kwargs()) ->
    py_nif:context_request().
call(Module, Function, Args, Kwargs) ->
    invocation(call, Module, Function, Args, Kwargs).

-spec stream(Module :: name(), Function :: name(), arguments(), kwargs()) ->
    py_nif:context_request().
stream(Module, Function, Args, Kwargs) ->
    invocation(stream, Module, Function, Args, Kwargs).

%% A coroutine function or a plain one, which is called before its task begins. So the time that the
%% call takes counts for the turn of the loop.
-spec coroutine(Module :: name(), Function :: name(), arguments(), kwargs()) ->
    py_nif:loop_request().
coroutine(Module, Function, Args, Kwargs) ->
    invocation(coroutine, Module, Function, Args, Kwargs).

%% The same, but the function is called by its task.
-spec async(Module :: name(), Function :: name(), arguments(), kwargs()) -> py_nif:loop_request().
async(Module, Function, Args, Kwargs) ->
    invocation(async, Module, Function, Args, Kwargs).

-spec invocation(Kind, name(), name(), arguments(), kwargs()) ->
    {Kind, binary(), binary(), arguments(), #{binary() => term()}}.
invocation(Kind, Module, Function, Args, Kwargs) when is_list(Args) ->
    {Kind, name(Module), name(Function), Args, named(Kwargs)};
invocation(_Kind, _Module, _Function, _Args, _Kwargs) ->
    error(badarg).

-spec gather([{name(), name(), arguments()} | {name(), name(), arguments(), kwargs()}]) ->
    py_nif:loop_request().
gather(Calls) when length(Calls) >= 0 ->
    {gather, [gathered(Call) || Call <- Calls]};
gather(_Calls) ->
    error(badarg).

-spec gathered(tuple()) -> py_nif:invocation().
gathered({Module, Function, Args}) ->
    gathered({Module, Function, Args, #{}});
gathered({Module, Function, Args, Kwargs}) when is_list(Args) ->
    {name(Module), name(Function), Args, named(Kwargs)};
gathered(_Call) ->
    error(badarg).

-spec eval(code(), Locals :: kwargs()) -> py_nif:context_request().
eval(Code, Locals) ->
    expression(eval, Code, Locals).

-spec stream_eval(code(), Locals :: kwargs()) -> py_nif:context_request().
stream_eval(Code, Locals) ->
    expression(stream_eval, Code, Locals).

-spec expression(Kind, code(), kwargs()) -> {Kind, binary(), #{binary() => term()}}.
expression(Kind, Code, Locals) ->
    {Kind, text(Code), named(Locals)}.

-spec exec(code()) -> py_nif:context_request().
exec(Code) ->
    {exec, text(Code)}.

-spec gc(Generation :: 0..2) -> py_nif:context_request().
gc(Generation) when Generation =:= 0; Generation =:= 1; Generation =:= 2 ->
    call(gc, collect, [Generation], #{});
gc(_Generation) ->
    error(badarg).

-spec named(kwargs()) -> #{binary() => term()}.
named(Values) when map_size(Values) =:= 0 ->
    Values;
named(Values) ->
    Pairs = maps:to_list(py_properties:to_map(Values)),
    maps:from_list([{name(Name), Value} || {Name, Value} <- Pairs]).

-spec name(name()) -> binary().
name(Name) when is_atom(Name) -> atom_to_binary(Name);
name(Name) -> text(Name).

-spec text(binary() | string()) -> binary().
text(Text) when is_binary(Text) ->
    Text;
text(Text) when is_list(Text) ->
    case unicode:characters_to_binary(Text) of
        Binary when is_binary(Binary) -> Binary;
        _ -> error(badarg)
    end;
text(_) ->
    error(badarg).
