"""The same task done by other tools: everybody scores a catalogue in every step, is shown the best ten, and reacts.

Each file beside this one is a program that prints one JSON object with the seconds of its steps; `benchmarks.peers.compare` runs
them in turn. `trecs_people` runs in an environment of its own (``make bench-peers``) and so imports nothing from here.
"""
