"""Synthetic CAN traffic with attacks, for demonstrations and tests."""

from can_train.dataset.synth.dataset import generate

__all__ = ["generate"]
