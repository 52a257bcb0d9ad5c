"""Populations: who people are, who posts, and how inauthentic accounts act. Plain arrays, no scenario, no ranking."""
