"""Conformance: published values of published formulas, as data files, and whether the code reproduces them."""
