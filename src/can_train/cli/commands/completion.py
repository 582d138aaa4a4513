"""`can-train completion`: completion for bash and zsh."""

from __future__ import annotations

import argparse
import sys
from typing import Final, TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

SHELLS: Final = ("bash", "zsh")


def add_parser(subparsers: Subparsers) -> None:
    """Adds `completion`."""
    parser = subparsers.add_parser(
        "completion",
        help="print a completion script for bash or zsh",
        description='Print a completion script: eval "$(can-train completion bash)".',
        epilog="example: can-train completion bash",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(args: argparse.Namespace) -> int:
    """Writes the script; 0."""
    from can_train.cli.main import build_parser

    sys.stdout.write(_script(args.shell, _words(build_parser())))
    return 0


def _words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """What may follow each command, by its words: `data prepare` to its options."""
    found: dict[str, list[str]] = {}

    def walk(prefix: str, current: argparse.ArgumentParser) -> None:
        words = []
        for action in current._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    words.append(str(name))
                    walk(f"{prefix} {name}".strip(), child)
            elif action.help != argparse.SUPPRESS:
                words += [o for o in action.option_strings if o.startswith("--")]
                words += [str(c) for c in action.choices or () if not action.option_strings]
        found[prefix] = words

    walk("", parser)
    return found


def _script(shell: str, words: dict[str, list[str]]) -> str:
    cases = "\n".join(
        f"        '{prefix}') known='{' '.join(options)}' ;;"
        for prefix, options in sorted(words.items())
    )
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return f"""{start}_can_train() {{
    local known='' prefix='' word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $word in
            -*) break ;;
            *) prefix="${{prefix:+$prefix }}$word" ;;
        esac
    done
    case $prefix in
{cases}
    esac
    COMPREPLY=($(compgen -W "$known" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _can_train can-train ./can-train
"""
