import numpy as np
import pandas as pd

from services.forecast.engine.levels import all_levels, levels


def test_levels_are_what_puts_items_together_coarsest_first():
    series = pd.DataFrame({"item": list("ABCD"), "location": "north", "band": ["x", "y", "z", "z"]})
    found = levels(series)
    assert [(level.name, level.names) for level in found] == [("total", ("total",)), ("band", ("x", "y", "z"))]
    assert found[1].sums(np.array([[1.0], [2], [3], [np.nan]])).tolist() == [[1], [2], [3]]


def test_every_column_is_a_level_where_all_are_asked_for():
    series = pd.DataFrame({"item": ["A", "B"], "location": "north", "category": [None, "food"]})
    found = {level.name: level for level in all_levels(series)}
    assert {name: level.names for name, level in found.items()} == {
        "total": ("total",),
        "location": ("north",),
        "item": ("A", "B"),
        "category": ("", "food"),
    }
    assert found["category"].sizes.tolist() == [1, 1]


def test_an_attribute_called_total_is_not_the_total():
    series = pd.DataFrame({"item": ["A", "B"], "location": "north", "total": ["x", "y"]})
    assert [level.names for level in all_levels(series) if level.name == "total"] == [("total",)]
