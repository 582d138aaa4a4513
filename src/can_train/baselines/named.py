"""Detectors by what `--detector` says: a name, `module:Class`, or `file.py:Class`.

Names are those of this package and those that installed distributions declare as entry points of
the group `can_train.detectors`. Those of this package aren't entry points: a checkout that is
newer than its installation has them, too.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from can_train import __version__
from can_train.errors import ConfigError, did_you_mean
from can_train.files import sha256_of
from can_train.plugins import module_in

GROUP: Final = "can_train.detectors"
"""Group of the entry points."""

BUILT_IN: Final = {
    "interval-rule": "can_train.baselines.interval_rule:IntervalRule",
    "isolation-forest": "can_train.baselines.isolation_forest:FrameIsolationForest",
}

_OPTION: Final = "--detector"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorIdentity:
    """Which detector it was, for whoever reads its figures later.

    Attributes:
        module: Where its class was found: a module, or the name of a file.
        cls: Name of the class.
        version: Of the distribution that the module belongs to; empty: of none.
        sha256: Of the file that holds the class; empty: there is none.
    """

    module: str
    cls: str
    version: str
    sha256: str

    def word(self, name: str) -> str:
        """What `--detector` says for it, where tables call it `name`."""
        return name if name in BUILT_IN else f"{self.module}:{self.cls}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDetector:
    """A class that was found, and not called yet.

    Attributes:
        name: What it is called in tables.
        cls: The class.
        needs_labels: Whether it learns from attacks, too.
        identity: For the record.
    """

    name: str
    cls: type[Any]
    needs_labels: bool
    identity: DetectorIdentity


def detectors_called(words: Iterable[str], taken: Iterable[str] = ()) -> tuple[NamedDetector, ...]:
    """Finds detectors, in the order in which they are named.

    Args:
        words: What `--detector` said; names may stand behind one another with commas.
        taken: Names of other scorers in the same tables.

    Raises:
        ConfigError: There is no such detector, it can't be loaded or is none, or two have a name.
    """
    found: dict[str, NamedDetector] = {}
    reserved = set(taken)
    for word in (part.strip() for text in words for part in text.split(",")):
        each = _found(word)
        if each.name in found or each.name in reserved:
            raise ConfigError(
                f"{_OPTION} {word}: two scorers would be called {each.name}. Give it once, or "
                'another name in its class: name = "other-name"'
            )
        found[each.name] = each
    return tuple(found.values())


def _found(word: str) -> NamedDetector:
    declared = {point.name: point for point in metadata.entry_points(group=GROUP)}
    if word in BUILT_IN:
        return _checked(word, word, *BUILT_IN[word].split(":"))
    if word in declared:
        point = declared[word]
        return _checked(word, word, point.module, point.attr)
    place, colon, name = word.rpartition(":")
    if not (colon and place and name):
        known = sorted({*BUILT_IN, *declared})
        raise ConfigError(
            f"{_OPTION} {word}: no such detector{did_you_mean(word, known) or '.'} Known: "
            f"{', '.join(known)}; your own by module:Class or file.py:Class"
        )
    return _checked(word, "", place, name)


def _checked(word: str, name: str, place: str, attribute: str) -> NamedDetector:
    """The class, after a look at its form."""
    module = _module(word, place)
    cls = vars(module).get(attribute)
    if not inspect.isclass(cls):
        classes = [n for n, v in vars(module).items() if inspect.isclass(v) and not n[0] == "_"]
        raise ConfigError(
            f"{_OPTION} {word}: {place} has no class {attribute}"
            f"{did_you_mean(attribute, classes) or '.'} Its classes: {', '.join(classes) or 'none'}"
        )
    lacking = [method for method in ("fit", "score") if not callable(getattr(cls, method, None))]
    if lacking:
        raise ConfigError(
            f"{_OPTION} {word}: {attribute} has no method {' and no method '.join(lacking)}. "
            "A detector has fit(recordings) and score(recording)"
        )
    shown = name or getattr(cls, "name", attribute)
    if not isinstance(shown, str) or not _NAME.fullmatch(shown):
        raise ConfigError(
            f"{_OPTION} {word}: {shown!r} is no name for a table. Allowed: a letter, then letters, "
            "digits, dots and dashes, 40 at most"
        )
    return NamedDetector(
        name=shown,
        cls=cls,
        needs_labels=bool(getattr(cls, "needs_labels", False)),
        identity=_identity(cls, place, attribute),
    )


def _module(word: str, place: str) -> ModuleType:
    """Imports it; the current folder (or that of the file) comes last where modules are sought.

    The launcher starts Python with `-P`, so it isn't there by itself.
    """
    is_file = place.endswith(".py")
    path = Path(place)
    if is_file and not path.is_file():
        raise ConfigError(f"{_OPTION} {word}: no file {place}. Give file.py:Class")
    folder = str((path.parent if is_file else Path()).absolute())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        return module_in(path) if is_file else importlib.import_module(place)
    except Exception as error:
        raise ConfigError(
            f"{_OPTION} {word}: {place} can't be loaded ({type(error).__name__}: {error}). "
            "Modules are looked for where Python is installed and in the current folder"
        ) from error


def _identity(cls: type[Any], place: str, attribute: str) -> DetectorIdentity:
    try:
        source = inspect.getsourcefile(cls)
    except TypeError:  # built into Python, or made by hand
        source = None
    return DetectorIdentity(
        module=Path(place).name if place.endswith(".py") else place,
        cls=attribute,
        version=_version(place),
        sha256=sha256_of(Path(source)) if source else "",
    )


def _version(place: str) -> str:
    top = place.partition(".")[0]
    if top == "can_train":
        return __version__
    names = metadata.packages_distributions().get(top, ()) if not place.endswith(".py") else ()
    return metadata.version(names[0]) if names else ""
