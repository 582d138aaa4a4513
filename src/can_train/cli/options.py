"""Command-line options, derived from the schema's fields (cheap to import)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from can_train.cli.parser import ChecksItself
from can_train.cli.place import add_executor_choice, add_executor_options
from can_train.cli.values import file_path, folder_path
from can_train.config.codec import allowed_text
from can_train.config.fields import SETTINGS, Setting, option_of
from can_train.config.spec import experts, model_names, strategies_on
from can_train.runs.layout import Roots, roots_from
from can_train.vocab import (
    DISTILLATIONS,
    LEARNING_TYPES,
    MODALITIES,
    MODEL_SIZES,
    NO_KD,
    TRAINING_STRATEGIES,
)

if TYPE_CHECKING:
    from can_train.config.typed import Typed

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "modality": ("NAME", f"application domain: {', '.join(MODALITIES)}"),
    "dataset": ("NAME", "name of a prepared dataset"),
    "model": ("LIST", f"{', '.join(model_names())}; a list makes one stage each"),
    "model_size": ("LIST", f"{', '.join(MODEL_SIZES)} (default: student if a stage distils)"),
    "training_strategy": ("LIST", f"{', '.join(TRAINING_STRATEGIES)} (default: by model)"),
    "learning_type": ("LIST", f"{', '.join(LEARNING_TYPES)}; follows from the model"),
    "distillation": ("LIST", f"{', '.join(DISTILLATIONS)}; padded with {NO_KD}"),
    "teacher_path": ("LIST", "run or file of each stage's teacher; auto and none are allowed"),
    **{
        spec.path_word: (
            "PATH",
            f"run or file of the {spec.name.upper()} for "
            f"{' and '.join(strategies_on(spec))} stages",
        )
        for spec in experts()
    },
}
_SWITCHES: Final = {
    "--auto-find-teacher": "take a registered teacher, or that of the newest finished teacher run",
    "--allow-foreign-teacher": "take a teacher that was trained on another dataset, too",
    "--smoke": "a short trial: two epochs on a few hundred windows",
    "--use-kd": argparse.SUPPRESS,
}
_BUCKETS: Final = {
    "model_args": (
        "further settings, those of the architecture among them, such as "
        "gat.heads=2,fc_channels=96x48; a [list] spans a grid"
    ),
    "slurm_args": "the same for what a cluster gives, such as memory=32G,walltime=02:00:00",
}
_ALIASES: Final = {
    "model": ("--training-strategyl",),
    "model_size": ("--training-strategyl-size",),
    "teacher_path": ("--teacher_path",),
}
"""Other spellings in scripts of the field; accepted, never shown."""


def add_plan_options(parser: argparse.ArgumentParser, *, again: bool = True) -> None:
    """Adds everything that says what is trained; what isn't given is absent.

    Args:
        parser: Takes the options.
        again: Whether runs that exist can be made again.
    """
    add_request_options(parser)
    actions = parser.add_argument_group("what happens with it")
    for flag, text in (
        ("--dry-run", "show the plan and write nothing"),
        ("--json", "with --dry-run: show it as one JSON document"),
        ("--force", "train again beside runs that exist, as RUN-2"),
        ("--no-register", "don't register finished teachers"),
    ):
        if again or flag != "--force":
            actions.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
    add_executor_choice(actions)
    add_executor_options(actions)


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Adds the request itself: words, settings, buckets, the file that fills it."""
    group = parser.add_argument_group("what is trained")
    for name, (metavar, text) in _WORDS.items():
        _add(group, name, metavar, text)
    for flag, text in _SWITCHES.items():
        group.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
    group.add_argument(
        "--config",
        type=file_path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="request file; flags override it",
    )
    titles = {
        False: "how it is trained (lists give one value per stage)",
        True: "what a cluster gives it (lists give one value per stage; none: not given)",
    }
    for resources, title in titles.items():
        settings = parser.add_argument_group(title)
        for setting in SETTINGS.values():
            if setting.has_option and (setting.section == "resources") is resources:
                metavar = "LIST" if setting.per_stage else "VALUE"
                _add(settings, setting.name, metavar, _help(setting), switch=setting.is_switch)
        name = "slurm_args" if resources else "model_args"
        _add(settings, name, "KEY=VALUE,…", _BUCKETS[name])


def add_root_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Adds options for the folders called `names`: data, experiment, teacher."""
    texts = {
        "data": "folder of all datasets (default: data beside the launcher)",
        "experiment": "folder of all runs (default: experimentruns beside the launcher)",
        "teacher": "folder of registered teachers (default: config/teacher_models there)",
    }
    for name in names:
        parser.add_argument(
            f"--{name}-root",
            type=folder_path,
            metavar="DIR",
            default=argparse.SUPPRESS,
            help=texts[name],
        )


def typed_from(args: argparse.Namespace, *, one_stage: bool) -> Typed:
    """What the user typed, as text, over what a request file gives.

    Raises:
        ConfigError: The request file can't be read, or has unknown keys or values.
    """
    from can_train.config.typed import Typed, with_file

    given = vars(args)
    names = (*_WORDS, *SETTINGS, *_BUCKETS)
    typed = Typed(
        text={name: given[name] for name in names if name in given},
        auto_find_teacher="auto_find_teacher" in given,
        allow_foreign_teacher="allow_foreign_teacher" in given,
        use_kd="use_kd" in given,
        smoke="smoke" in given,
        one_stage=one_stage,
    )
    return with_file(typed, given["config"]) if "config" in given else typed


def roots_of(args: argparse.Namespace) -> Roots:
    """The folders that were given, else those beside the launcher."""
    given = vars(args)
    return roots_from(
        given.get("data_root"), given.get("experiment_root"), given.get("teacher_root")
    )


def _add(
    group: argparse._ArgumentGroup, name: str, metavar: str, text: str, *, switch: bool = False
) -> None:
    """Adds one option; a switch means true where no value follows."""
    default, nargs, const = argparse.SUPPRESS, "?" if switch else None, "true" if switch else None
    group.add_argument(
        option_of(name), action=ChecksItself, metavar=metavar, default=default, help=text,
        nargs=nargs, const=const,
    )  # fmt: skip
    for alias in _ALIASES.get(name, ()):
        group.add_argument(
            alias, action=ChecksItself, dest=name, default=default, help=argparse.SUPPRESS
        )


def _help(setting: Setting) -> str:
    default = "" if setting.default is None else f"; default: {setting.default}"
    text = f"{setting.help} ({allowed_text(setting.annotation)}{default})"
    return text.replace("%", "%%")
