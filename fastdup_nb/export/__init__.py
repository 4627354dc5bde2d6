"""Decisions to files: first a plan, then moves that can be taken back."""
