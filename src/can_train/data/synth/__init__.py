"""Synthetic CAN traffic with attacks, for demonstrations and tests."""

from can_train.data.synth.dataset import generate

__all__ = ["generate"]
