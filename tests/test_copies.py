"""The benchmark of edited copies counts rightly: a yardstick that is bent measures nothing."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks import copies

TRUTH = pd.DataFrame(
    {"origin": [0, 0, 0, 1, 1, 2], "edit": ["original", "gray", "noise", "original", "text", "distractor"]},
    index=pd.Index(list("abcdef"), name="path"),
)


def test_a_pair_counts_once_whatever_its_order_and_never_with_itself():
    given = pd.DataFrame({"a": ["b", "a", "a", "a"], "b": ["a", "b", "a", "d"], "similarity": [0.7, 0.9, 1.0, 0.5]})
    judged = copies.judge(given, TRUTH)
    assert judged[["a", "b", "similarity"]].to_numpy().tolist() == [["a", "b", 0.9], ["a", "d", 0.5]]
    assert judged["is_copy"].tolist() == [True, False]
    assert judged["are_photographs"].tolist() == [False, True]


def test_precision_recall_and_false_pairs_are_those_counted_by_hand():
    given = pd.DataFrame({"a": list("abad"), "b": list("bcdf"), "similarity": [0.9, 0.8, 0.7, 0.6]})
    assert copies.count_possible(TRUTH) == 3 + 1
    found = copies.at_bound(copies.judge(given, TRUTH), TRUTH, 4)
    assert found["precision"] == found["recall"] == 0.5
    assert found["false pairs of photographs"] == 2
    assert found["per 1000 photographs"] == pytest.approx(1000 * 2 / 3)
    assert found["false per 1000 pictures"] == pytest.approx(1000 * 2 / 6)
    reached = copies.linked(copies.judge(given, TRUTH), TRUTH)
    assert (reached["gray"], reached["noise"], reached["text"]) == (1, 0, 0)  # the copies b and c do not count


def test_pairs_of_unknown_pictures_are_refused():
    with pytest.raises(SystemExit, match="1 pictures that are not among ours, such as 'z'"):
        copies.judge(pd.DataFrame({"a": ["a"], "b": ["z"], "similarity": [1.0]}), TRUTH)


@pytest.mark.parametrize("edit", copies.EDITS)
def test_an_edit_makes_another_picture_and_the_same_one_for_the_same_seed(edit):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)).resize((270, 180))
    first, again = (copies.EDITS[edit](image, np.random.default_rng(1)) for _ in range(2))
    assert first.mode == "RGB"
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != image.tobytes()


def test_a_small_bed_is_made_scored_and_compared(few, tmp_path, monkeypatch, capsys):
    command = ["copies", str(few), "--copies", "2", "--into", str(tmp_path / "bed")]
    monkeypatch.setattr("sys.argv", command)
    copies.main()
    truth = pd.read_csv(tmp_path / "bed" / "truth.csv")
    assert truth["edit"].eq("distractor").sum() == 2
    assert len(truth) == 6 + 2 * 4
    told = capsys.readouterr().out
    assert "average precision 1.0000" in told
    (tmp_path / "theirs.csv").write_text("a,b,similarity\n{},{},0.5\n".format(*truth["path"][:2]))
    monkeypatch.setattr("sys.argv", [*command, "--against", str(tmp_path / "theirs.csv")])
    copies.main()
    told = capsys.readouterr().out
    assert "theirs.csv: 1 pairs given, 12 true ones" in told
    assert "average precision 0.0833" in told


def test_a_limit_changes_no_picture_that_is_left(few, tmp_path):
    made = []
    for limit in (4, 6):
        options = argparse.Namespace(photos=few, seed=0, limit=limit, copies=0)
        truth = copies.make_pictures(options, tmp_path / str(limit))
        made.append(set(truth["path"]))
    assert made[0] < made[1]
