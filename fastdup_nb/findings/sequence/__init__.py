"""What happens in time: images with an order, read as frames of a film.

One file a step: ``order`` puts images in order and says which of them are one sequence; ``frames`` tells how far apart
any two are; ``timeline`` finds cuts and events, ``gradual`` dissolves and fades, ``returns`` still stretches and scenes
that come back; ``tables`` writes it all down as DataFrames; ``succession`` counts what follows what.
"""
