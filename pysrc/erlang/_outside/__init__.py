# SPDX-License-Identifier: Apache-2.0
"""The package outside of a node, in pure Python: types, calls, and the external term format.

Inside a node the native module `_erlang` does this work. A forked child of a node uses the calls of
this package and the native types.
"""
