"""recsim held against results that others published: one small study per result, records, figures and a page.

    python -m experiments.validation                    # all studies, then docs/validation.md
    python -m experiments.validation --reduced          # a small version, under two minutes
    python -m experiments.validation amplification      # one study
    python -m experiments.validation.page               # the page anew, from stored records

A study fixes beforehand what counts as "as published", measures worlds, and keeps what came out either way.
"""
