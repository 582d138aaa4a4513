import numpy as np
import pytest

from can_train.config.schema import CurriculumConfig
from can_train.detectors.curriculum import benign_ratio, epoch_windows
from can_train.errors import TrainingError

PACING = CurriculumConfig(start_ratio=1.0, end_ratio=10.0, release_epochs=10, percentile=50.0)
ATTACKS, BENIGN = 20, 400


def windows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.zeros(ATTACKS + BENIGN, dtype=np.uint8)
    labels[generator.choice(len(labels), ATTACKS, replace=False)] = 1
    return labels, generator.random(len(labels))


@pytest.mark.parametrize(("epoch", "ratio"), [(0, 1.0), (5, 5.5), (10, 10.0), (99, 10.0)])
def test_ratio_grows_linearly_until_full_release(epoch: int, ratio: float) -> None:
    assert benign_ratio(epoch, PACING) == ratio
    labels, scores = windows()
    chosen = epoch_windows(labels, scores, epoch, 0, PACING)
    assert np.count_nonzero(labels[chosen] == 0) == round(ratio * ATTACKS)


@pytest.mark.parametrize("epoch", [0, 3, 10, 39])
def test_every_attack_window_is_there_once_in_every_epoch(epoch: int) -> None:
    labels, scores = windows()
    chosen = epoch_windows(labels, scores, epoch, 0, PACING)
    assert chosen.dtype == np.int64
    assert len(np.unique(chosen)) == len(chosen)
    assert set(np.flatnonzero(labels == 1)) <= set(chosen.tolist())


@pytest.mark.parametrize("epoch", [0, 4, 8])
def test_hardest_benign_windows_come_first(epoch: int) -> None:
    labels, scores = windows()
    chosen = epoch_windows(labels, scores, epoch, 0, PACING)
    benign = np.flatnonzero(labels == 0)
    taken = np.count_nonzero(labels[chosen] == 0)
    assert taken <= BENIGN // 2  # all of them lie above the percentile
    hardest = benign[np.argsort(-scores[benign])][:taken]
    assert set(chosen[labels[chosen] == 0].tolist()) == set(hardest.tolist())


def test_below_the_percentile_every_epoch_draws_anew_and_keeps_the_hard_ones() -> None:
    labels, scores = windows()
    pacing = CurriculumConfig(end_ratio=12.0, percentile=50.0)
    benign = np.flatnonzero(labels == 0)
    hard = set(benign[scores[benign] > np.percentile(scores[benign], 50.0)].tolist())
    first, second = (set(epoch_windows(labels, scores, epoch, 0, pacing)) for epoch in (20, 21))
    assert hard <= first
    assert hard <= second
    assert first != second


def test_fewer_benign_windows_than_asked_for_gives_all_of_them() -> None:
    labels = np.array([1, 1, 1, 0, 0])
    chosen = epoch_windows(labels, np.arange(5.0), 10, 0, PACING)
    assert sorted(chosen.tolist()) == [0, 1, 2, 3, 4]


def test_equal_scores_leave_nothing_above_the_percentile_and_still_fill_the_ratio() -> None:
    labels, scores = windows()
    chosen = epoch_windows(labels, np.zeros_like(scores), 0, 0, PACING)
    assert len(chosen) == 2 * ATTACKS


def test_same_arguments_give_the_same_windows_and_leave_them_unchanged() -> None:
    labels, scores = windows()
    before = labels.copy(), scores.copy()
    np.random.seed(1)
    first = epoch_windows(labels, scores, 3, 5, PACING)
    np.random.seed(2)
    again = epoch_windows(labels, scores, 3, 5, PACING)
    assert np.array_equal(first, again)
    assert np.array_equal(labels, before[0])
    assert np.array_equal(scores, before[1])


def test_order_depends_on_seed_and_epoch() -> None:
    labels, scores = windows()
    base = epoch_windows(labels, scores, 10, 0, PACING)
    assert not np.array_equal(base, epoch_windows(labels, scores, 10, 1, PACING))
    assert not np.array_equal(base, epoch_windows(labels, scores, 11, 0, PACING))


def test_scores_of_attack_windows_do_not_matter() -> None:
    labels, scores = windows()
    other = np.where(labels == 1, np.nan, scores)
    assert np.array_equal(
        epoch_windows(labels, scores, 2, 0, PACING), epoch_windows(labels, other, 2, 0, PACING)
    )


@pytest.mark.parametrize(("label", "counts"), [(0, "3 benign and 0"), (1, "0 benign and 3")])
def test_a_missing_class_is_refused(label: int, counts: str) -> None:
    with pytest.raises(TrainingError, match=f"the training split has {counts} attack windows"):
        epoch_windows(np.full(3, label), np.zeros(3), 0, 0, PACING)


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels, but 3 scores"):
        epoch_windows(np.array([0, 1]), np.zeros(3), 0, 0, PACING)
    with pytest.raises(ValueError, match="have to be finite"):
        epoch_windows(np.array([0, 1]), np.array([np.nan, 0.0]), 0, 0, PACING)
