"""What a process is prepared for before its command runs."""

from __future__ import annotations

from can_train.cli.main import SPINS, _spin_briefly


def test_threads_that_wait_sleep_soon_unless_somebody_has_decided() -> None:
    nothing: dict[str, str] = {}
    _spin_briefly(nothing)
    assert nothing == {"GOMP_SPINCOUNT": SPINS}
    for given in ({"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environ = dict(given)
        _spin_briefly(environ)
        assert environ == given
