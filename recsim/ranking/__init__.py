"""Ranking policies: plain functions of named features, compiled once, and what they may look at."""
