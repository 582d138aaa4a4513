"""Scaler and vocabulary of a split's training windows: fitted once, stored beside the split."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from can_train.errors import ArtifactError, DataError
from can_train.files import read_object, sealed, unsealed, write_json
from can_train.graphs.scaling import FeatureScaler, IdVocabulary

FITTED_VERSION: Final = 1
"""Raised whenever the numbers that are fitted change."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was fitted on benign training windows.

    Attributes:
        scaler: On those of all cars.
        vocabulary: On the recorded ones.
    """

    scaler: FeatureScaler
    vocabulary: IdVocabulary


def open_fitted(
    folder: Path, fit: Callable[[], Fitted], *, store: str, split: str, most: int | None
) -> Fitted:
    """What is stored, fitted and stored first if it isn't there.

    Args:
        folder: Where the dataset is stored.
        fit: Makes it.
        store: Content address of the graphs.
        split: Digest of the split.
        most: Most windows per side, if they are bounded.

    Raises:
        DataError: It was altered.
    """
    recipe = json.dumps([FITTED_VERSION, store, split, most])
    name = f"{split[:16]}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.json"
    path = folder / "splits" / name
    if path.is_file():
        return _load(path)
    fitted = fit()
    try:
        write_json(path, sealed(_document(fitted)))
    except OSError as error:
        _LOG.debug("%s: can't be stored (%s)", path, error.strerror)
    return fitted


def _document(fitted: Fitted) -> dict[str, object]:
    scaler = {name: values.tolist() for name, values in asdict(fitted.scaler).items()}
    return {"scaler": scaler, "ids": fitted.vocabulary.ids.tolist()}


def _load(path: Path) -> Fitted:
    try:
        document = unsealed(path, read_object(path))
        scaler = {n: np.array(v, np.float32) for n, v in document["scaler"].items()}
        ids = np.array(document["ids"], np.uint32)
        return Fitted(scaler=FeatureScaler(**scaler), vocabulary=IdVocabulary(ids=ids))
    except (ArtifactError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{path}: not what was fitted ({error}). Remove it: it is remade"
        ) from error
