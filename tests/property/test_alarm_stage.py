"""Alarms of a stream and of a whole recording are the same, and no window looks ahead."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from can_train.alarms.rule import SEVERITIES, AlarmRule, AlarmStage, severities_of
from tests.draws import examples

scores = st.lists(st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0, float("inf")]), max_size=80)
rules = st.integers(1, 12).flatmap(
    lambda n: st.builds(AlarmRule, k=st.integers(1, n), n=st.just(n))
)
aparts = st.integers(1, 7)


@given(scores, rules, aparts)
def test_a_stream_gets_the_levels_of_the_whole_recording(score, rule, apart):
    stage = AlarmStage(0.5, rule, apart)
    streamed = [stage.update(value) for value in score]
    assert streamed == [SEVERITIES[severity] for severity in severities_of(score, 0.5, rule, apart)]


@given(scores, rules, aparts)
def test_the_levels_are_those_of_the_definition(score, rule, apart):
    found = severities_of(score, 0.5, rule, apart)
    for at, severity in enumerate(found):
        seen = [score[i] > 0.5 for i in range(at, -1, -apart)][: rule.n]
        wanted = "alarm" if sum(seen) >= rule.k else "notice" if seen[0] else "quiet"
        assert SEVERITIES[severity] == wanted


@given(scores, scores, rules, aparts)
@examples(50)
def test_what_comes_later_changes_nothing(score, later, rule, apart):
    whole = severities_of([*score, *later], 0.5, rule, apart)
    assert np.array_equal(whole[: len(score)], severities_of(score, 0.5, rule, apart))
