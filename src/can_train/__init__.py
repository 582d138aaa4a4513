"""Graph neural networks that detect intrusions on a CAN bus."""

__version__ = "0.1.0"
