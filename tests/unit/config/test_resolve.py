"""The walk of `distillation`: one word until the run's config, which has settings or None."""

from pathlib import Path

import pytest

from can_train.config.build import build_request
from can_train.config.resolve import resolve_stages, run_config
from can_train.config.schema import DataConfig, Parent
from can_train.config.typed import Typed
from can_train.runs.layout import identity_dir, identity_of

SOURCE = Path(__file__).resolve().parents[3] / "src" / "can_train"
DATA = DataConfig(dataset_digest="d", split_digest="s")
TEACHER = Parent(path="/t.pth", sha256="ab")


@pytest.mark.parametrize("word", ["with-kd", "no-kd"])
def test_a_word_becomes_settings_or_none_and_is_the_same_word_again(word: str) -> None:
    text = {"modality": "automotive", "dataset": "car", "model": "gat", "distillation": word}
    request = build_request(Typed(text=text)).request
    assert request is not None
    (stage,), _ = resolve_stages(request)
    assert (request.stages[0].distillation, stage.distillation) == (word, word)
    config = run_config(request, stage, DATA, {"teacher": TEACHER} if word == "with-kd" else {})
    assert (config.distillation is None) == (word == "no-kd")
    assert config.distillation_word == word
    folder = identity_dir(Path("/e"), config) / "0123"
    assert identity_of(folder).distillation_word == word


def test_the_words_are_spelled_in_one_module() -> None:
    spelling = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if any(f'"{word}"' in path.read_text(encoding="utf-8") for word in ("with-kd", "no-kd"))
    ]
    assert spelling == ["vocab.py"]
    assert not [p for p in SOURCE.rglob("*.py") if "with_kd" in p.read_text(encoding="utf-8")]
