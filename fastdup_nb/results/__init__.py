"""Frozen results: the frames of a finding joined with the views of it, a file for each."""
