"""Detectors as C99: static code in `runtime/`, tables that are generated from what was learnt."""
