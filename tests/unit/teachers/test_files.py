"""The registry's files: written by one at a time, readable at any time."""

import json
import threading
from pathlib import Path

import pytest

from can_train.errors import ArtifactError
from can_train.files import OWN_SEAL, sealed, sha256_of, unsealed
from can_train.teachers.files import Teacher, read_teacher, store_teacher, writers_lock


def stored(root: Path, content: bytes = b"weights") -> Path:
    place = root / "car" / "gat_teacher.pth"
    place.parent.mkdir(parents=True, exist_ok=True)
    source = root / "source.pth"
    source.write_bytes(content)
    store_teacher(source, place, described(source))
    return place


def described(source: Path) -> Teacher:
    return Teacher(
        sha256=sha256_of(source),
        dataset="car",
        features="relational",
        window=100,
        split="time",
        dataset_digest="d",
        split_digest="s",
        model="gat",
        parameters=3,
        origin="run",
        run_id="0123456789ab",
        metric="val_loss",
        value=1.0,
        higher_is_better=False,
    )


def test_a_reader_waits_for_no_writer_and_needs_no_right_to_write(tmp_path: Path) -> None:
    place = stored(tmp_path)
    found: list[Teacher | None] = []
    reader = threading.Thread(target=lambda: found.append(read_teacher(place)), daemon=True)
    with writers_lock(place.parent):
        before = sorted(place.parent.iterdir())
        reader.start()
        reader.join(5)
        assert sorted(place.parent.iterdir()) == before
    assert found == [described(tmp_path / "source.pth")]


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    from filelock import Timeout

    with writers_lock(tmp_path), pytest.raises(Timeout):
        writers_lock(tmp_path).acquire(blocking=False)
    with writers_lock(tmp_path):
        pass


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    place = stored(tmp_path)
    stored(tmp_path, b"better")
    kept = sorted(p.name for p in place.parent.iterdir() if p.name.startswith("gat_teacher."))
    assert len(kept) == 6
    assert not [p for p in place.parent.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strange": 1}, "strange: unknown key"),
        ({"window": "100"}, "window: '100'. Allowed: a whole number"),
        ({"origin": "elsewhere"}, "origin: 'elsewhere'. Allowed: run, state dict"),
    ],
)
def test_a_damaged_description_says_where_and_what_to_do(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    place = stored(tmp_path)
    path = place.with_suffix(".json")
    document = {**unsealed(path, json.loads(path.read_text()), OWN_SEAL), **change}
    path.write_text(json.dumps(sealed(document, OWN_SEAL)))
    with pytest.raises(ArtifactError) as caught:
        read_teacher(place)
    assert str(caught.value).startswith(f"{path}: teacher.{told}")
    assert str(caught.value).endswith("can-train teachers add 0123456789ab")


def test_an_edited_description_is_named_and_one_without_a_seal_is_taken(tmp_path: Path) -> None:
    place = stored(tmp_path)
    path = place.with_suffix(".json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "value": 0.5}))
    with pytest.raises(ArtifactError) as caught:
        read_teacher(place)
    assert str(caught.value) == (
        f"{path}: changed since it was written. Remove it and its .pth, then register the teacher "
        "again: can-train teachers add 0123456789ab"
    )
    del document[OWN_SEAL]
    path.write_text(json.dumps({**document, "value": 0.5}))
    assert (teacher := read_teacher(place)) is not None and teacher.value == 0.5
