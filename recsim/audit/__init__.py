"""Checks on the simulator itself: controls that must hold, accounting, stylised facts."""
