"""Places of a run, and back from a place to the words."""

from pathlib import Path

import pytest

from can_train.errors import PreflightError
from can_train.runs.layout import RunIdentity, identity_dir, identity_of

WORDS = {
    "modality": "automotive",
    "dataset": "car",
    "learning_type": "supervised",
    "model": "gat",
    "model_size": "student",
    "training_strategy": "normal",
}


@pytest.mark.parametrize(
    ("word", "folder"), [("with-kd", "distilled"), ("no-kd", "no_distillation")]
)
def test_the_folders_of_a_run_say_its_seven_words(word: str, folder: str) -> None:
    words = RunIdentity(**WORDS, distillation_word=word)
    place = identity_dir(Path("/runs"), words)
    assert place.parts[-2] == folder
    assert identity_of(place / "0123456789ab") == words


def test_a_folder_elsewhere_is_no_run() -> None:
    with pytest.raises(PreflightError, match="/tmp/x: not the folder of a run"):
        identity_of(Path("/tmp/x"))
    assert identity_of(Path("/a/b/c/d/e/f/g/0123")).distillation_word == "no-kd"
