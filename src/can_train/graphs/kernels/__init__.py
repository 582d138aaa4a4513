"""Compiled loops over frames, nodes and edges."""

from can_train.compiled import keep_compiled_by_source

keep_compiled_by_source()
