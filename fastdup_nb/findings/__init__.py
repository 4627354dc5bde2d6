"""Findings: images, facts and neighbors in; small frames that answer one question each out.

What shows the same picture: ``edges``, ``keeping``, ``verdicts``, ``duplicates``. What is odd, what belongs together,
what cannot be used, where it lies on a map: ``outliers``, ``clusters``, ``quality``, ``projection``.

What the labels say, and what the pictures say: ``classifying`` (out-of-sample evidence), ``noise`` (mistakes and what
is merely ambiguous), ``labels`` (the tables). What two splits share: ``leaks``; a split that shares nothing:
``splitting``. Which few stand for many: ``sampling``, ``coverage``. What is new: ``novelty`` (each
picture by itself), ``together`` (a list as a whole), ``queue`` (what to label next). What is like a query:
``similarity``. What happens in time: the folder ``sequence``.
"""
