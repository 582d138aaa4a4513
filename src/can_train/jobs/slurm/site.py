"""The site profile: what one cluster wants from jobs, kept out of the program (TOML)."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Final

from can_train.config.codec import from_plain
from can_train.config.schema import Resources
from can_train.config.spec import model_names
from can_train.errors import ConfigError, did_you_mean
from can_train.jobs.job import Needs
from can_train.vocab import MODEL_SIZES

SITE_VARIABLE: Final = "CAN_TRAIN_SITE"
NO_RESOURCES: Final = Resources()

_NAMES: Final = tuple(item.name for item in fields(Resources))
_TABLES: Final = ("login_node", "environment", "defaults", "stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One cluster.

    Attributes:
        path: File of the profile; None: there is none.
        login_node: Whether machines with this profile are for submitting, not for training.
        setup: Shell lines that a job runs before the program.
        defaults: Resources of every stage.
        stages: Resources by `<model>` and `<model>_<size>`; the longer name wins.
    """

    path: Path | None = None
    login_node: bool = False
    setup: tuple[str, ...] = ()
    defaults: Resources = NO_RESOURCES
    stages: Mapping[str, Resources] = field(default_factory=dict)


def load_site(given: str | None = None, environ: Mapping[str, str] = os.environ) -> Site:
    """The profile that was given, else that of `$CAN_TRAIN_SITE`, else the user's own, if any.

    Args:
        given: Value of `--site`.
        environ: Environment.

    Raises:
        ConfigError: A named file can't be read, or a profile holds what isn't allowed.
    """
    named = given or environ.get(SITE_VARIABLE)
    path = Path(named) if named else user_profile(environ)
    if not named and not path.is_file():
        return Site()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        where = "--site" if given else f"${SITE_VARIABLE}" if named else "site profile"
        raise ConfigError(
            f"{where}: {path} can't be read ({error.strerror}). "
            "Name a site profile, or leave the option out to use Slurm's defaults"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML ({error})") from error
    return _site(path.absolute(), document)


def user_profile(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own profile lies."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "~"), ".config")
    return Path(home).expanduser() / "can-train" / "site.toml"


def resources_for(site: Site, needs: Needs) -> Resources:
    """What one stage asks for: what was typed, else what the profile says, else None."""
    layers = (
        needs.resources,
        site.stages.get(f"{needs.model}_{needs.model_size}", NO_RESOURCES),
        site.stages.get(needs.model, NO_RESOURCES),
        site.defaults,
    )
    return merged(layers)


def merged(layers: Sequence[Resources]) -> Resources:
    """Per field the first value that is there."""
    found = NO_RESOURCES
    for layer in reversed(layers):
        there = {name: value for name, value in asdict(layer).items() if value is not None}
        found = replace(found, **there)
    return found


def _site(path: Path, document: Mapping[str, object]) -> Site:
    _check_names(document, _TABLES, f"{path}")
    login_node = document.get("login_node", False)
    if not isinstance(login_node, bool):
        raise ConfigError(f"{path}: login_node: {login_node!r}. Allowed: true, false")
    environment = _table(document, "environment", path)
    _check_names(environment, ("setup",), f"{path}: environment")
    stages = _table(document, "stage", path)
    models = model_names()
    known = (*models, *(f"{model}_{size}" for model in models for size in MODEL_SIZES))
    _check_names(stages, known, f"{path}: stage")
    return Site(
        path=path,
        login_node=login_node,
        setup=_setup(environment.get("setup", []), path),
        defaults=_resources(_table(document, "defaults", path), f"{path}: defaults"),
        stages={
            name: _resources(_table(stages, name, path), f"{path}: stage.{name}") for name in stages
        },
    )


def _setup(raw: object, path: Path) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(line, str) for line in raw):
        raise ConfigError(f"{path}: environment.setup: expected a list of shell lines")
    return tuple(raw)


def _table(document: Mapping[str, object], name: str, path: Path) -> Mapping[str, object]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {name}: expected a table, as in [{name}]")
    return table


def _resources(table: Mapping[str, object], where: str) -> Resources:
    _check_names(table, _NAMES, where)
    return from_plain(Resources, {**dict.fromkeys(_NAMES), **table}, where)


def _check_names(found: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for name in found:
        if name not in known:
            raise ConfigError(
                f"{where}: unknown key {name}{did_you_mean(name, known) or '.'} "
                f"Allowed: {', '.join(known)}"
            )
