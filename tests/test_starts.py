"""The stored ends of random starts are what the search gives."""

import json

import starts
from chapters import ROOT


def test_the_first_group_of_starts_ends_where_the_data_say():
    stored = json.loads((ROOT / starts.DATA).read_text(encoding="utf-8"))
    assert stored["groups"] * stored["starts"] == len(stored["objectives"])
    found = starts.group(0)
    assert len(found) == stored["starts"]
    assert abs(found - stored["objectives"][: len(found)]).max() < 1e-8
