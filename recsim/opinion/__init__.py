"""The optional opinion layer: pure functions from impressions to expected votes, under effect sizes that are assumed.

Nothing of it flows back into a world. Formulas and what they are not: ``docs/opinion.md``.
"""
