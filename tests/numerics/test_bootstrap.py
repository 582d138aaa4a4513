import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from can_train.evaluation.bootstrap import REPLICATES, _redraws, block_bootstrap


def test_intervals_agree_with_redrawing_windows_and_scoring_them_again():
    rng = np.random.default_rng(0)
    label = (np.arange(300) % 60 < 20).astype(int)
    score = np.round(rng.normal(label, 1.0), 1)  # ties
    ours = block_bootstrap(label, score, 0.8, seed=5)
    blocks = np.array_split(np.arange(300), 30)
    weights = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=REPLICATES)
    auc, f1 = [], []
    for weight in weights:
        drawn = np.concatenate([np.tile(b, w) for b, w in zip(blocks, weight, strict=True)])
        auc.append(roc_auc_score(label[drawn.astype(int)], score[drawn.astype(int)]))
        f1.append(f1_score(label[drawn.astype(int)], score[drawn.astype(int)] > 0.8))
    assert ours.roc_auc == pytest.approx(tuple(np.quantile(auc, [0.025, 0.975])))
    assert ours.f1 == pytest.approx(tuple(np.quantile(f1, [0.025, 0.975])))


def test_the_interval_covers_the_true_value_about_as_often_as_it_says():
    truth = 0.7602499  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        label = (rng.random(500) < 0.4).astype(int)
        interval = block_bootstrap(label, rng.normal(label, 1.0), 0.0, seed).roc_auc
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert 0.88 <= covered / 200 <= 0.99


def test_long_attacks_widen_the_interval():
    rng = np.random.default_rng(1)
    label = rng.random(2000) < 0.5
    drift = np.repeat(rng.normal(0, 1.0, 20), 100)  # neighbouring windows share their luck
    independent = block_bootstrap(label, label + rng.normal(0, 1.4, 2000), 0.5, 0).f1
    dependent = block_bootstrap(label, label + drift + rng.normal(0, 1.0, 2000), 0.5, 0).f1
    assert independent is not None and dependent is not None
    assert dependent[1] - dependent[0] > 1.5 * (independent[1] - independent[0])


def test_intervals_are_undefined_where_the_metric_or_the_blocks_are_missing():
    score = np.linspace(0, 1, 200)
    benign = block_bootstrap(np.zeros(200), score, 0.5, 0)
    assert (benign.roc_auc, benign.f1) == (None, None)
    attack = block_bootstrap(np.ones(200), score, 0.5, 0)
    assert attack.roc_auc is None and attack.f1 is not None
    short = block_bootstrap([0, 1] * 20, score[:40], 0.5, 0)
    assert (short.roc_auc, short.f1) == (None, None)


def test_the_same_seed_gives_the_same_interval():
    label, score = np.arange(400) % 3 == 0, np.random.default_rng(2).random(400)
    assert block_bootstrap(label, score, 0.5, 3) == block_bootstrap(label, score, 0.5, 3)
    assert block_bootstrap(label, score, 0.5, 3) != block_bootstrap(label, score, 0.5, 4)


def test_scorers_of_one_file_share_their_redraws():
    label = np.arange(500) % 60 < 20
    block_bootstrap(label, np.arange(500), 0.0, seed=11)
    before = _redraws.cache_info()
    again = block_bootstrap(label, np.arange(500)[::-1], 0.0, seed=11)
    after = _redraws.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)
    _redraws.cache_clear()
    assert block_bootstrap(label, np.arange(500)[::-1], 0.0, seed=11) == again
    with pytest.raises(ValueError, match="read-only"):
        _redraws(50, 11)[0, 0] = 1.0
