"""Compiled parsers of text: fields, lines, and reading a file by them."""

from can_train.compiled import keep_compiled_by_source

keep_compiled_by_source()
