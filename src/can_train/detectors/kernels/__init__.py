"""Compiled parts of the networks: what torch would do in many small calls on a CPU."""
