"""Worlds: a scenario made concrete, stepped through time, forked, and compared in pairs."""
