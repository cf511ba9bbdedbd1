%% SPDX-License-Identifier: Apache-2.0
{application, hello, [
    {mod, {hello, []}},
    {applications, [kernel, stdlib, erlang_python]},
    {env, [{port, 8000}]}
]}.
