"""The prepared dataset and the finished runs of the tests of plans."""

from tests.unit.pipeline.conftest import dataset, finish, plan_of, roots

__all__ = ["dataset", "finish", "plan_of", "roots"]
