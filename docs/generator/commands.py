"""The page of all commands, from the parser that reads them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from docs.generator.markdown import code, first_paragraph, page, table

from can_train import errors
from can_train.cli.main import build_parser


def commands_page() -> str:
    """Text of commands.md."""
    parser = build_parser()
    known: dict[str, str] = {}
    parts = [part for item in _commands(parser, "", "") for part in _section(*item, known)]
    intro = (
        "`LIST` takes one value for all stages or one per stage, separated by commas. Every "
        "command also takes `--help` and `--debug` (show the traceback of an error)."
    )
    return page("Commands", [intro, *parts, "## Exit codes", _exit_codes()])


def _commands(
    parser: argparse.ArgumentParser, name: str, text: str
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Every command that does something: its words, its help and its parser."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        yield name, text, parser
    for action in inner:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for word, each in action.choices.items():
            yield from _commands(each, f"{name} {word}".strip(), helps.get(word, ""))


def _section(
    name: str, text: str, parser: argparse.ArgumentParser, known: dict[str, str]
) -> Iterator[str]:
    """One command; a group of options that another one has, too, isn't repeated."""
    yield f"## {name}"
    said = parser.description or text
    yield f"{said[:1].upper()}{said[1:].rstrip('.')}."
    for group in parser._action_groups:
        rows = [_row(parser, action) for action in group._group_actions if _is_shown(action)]
        if not rows:
            continue
        usual = group.title in {"options", "positional arguments"}
        if not usual:
            yield f"**{group.title}**"
        shown = table(("option", "meaning"), rows)
        if shown in known and len(rows) > 3:
            yield f"As for [{known[shown]}](#{known[shown].replace(' ', '-')})."
        else:
            known.setdefault(shown, name)
            yield shown


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS and action.dest not in {"help", "debug"}


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str]:
    value = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        many = "…" if action.nargs in {"+", "*"} else ""
        return code(f"{value or action.dest.upper()}{many}"), _help(parser, action)
    takes = "" if action.nargs == 0 else f" {value or action.dest.upper()}"
    spelled = ", ".join(code(f"{option}{takes}") for option in action.option_strings)
    return spelled, _help(parser, action)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}


def _exit_codes() -> str:
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    codes = {0: "Done.", errors.EXIT_INTERRUPTED: "Stopped by the user."}
    for cls in classes:
        if issubclass(cls, errors.CanTrainError) and "exit_code" in vars(cls):
            codes[cls.exit_code] = (
                first_paragraph(cls).partition(" (exit code")[0].rstrip(".") + "."
            )
    return table(("code", "meaning"), ((str(number), codes[number]) for number in sorted(codes)))
