"""Where things stand in a TOML text."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.configuration.places import Place, Places, dotted

TEXT = """\
# [[points]] in a comment
top = 1
"quoted key" = '# not a comment'

[site]
name = \"\"\"
[[points]]
id = "inside text"\"\"\"
list = [
    1, # one ]
    [2, 3],
    { x = "}" },
]

[[circuits]]
id = "main"
[circuits.extra]
depth = 2

[[circuits]]
  id   = 'garage'
inline = { a = 1, b = { c = [1, 2] } }
dotted.key.here = 1979-05-27 07:32:00

[[circuits.children]]
n = 1
[[circuits.children]]
n = 2
[a . "b" . c]
d = true
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("site",), 5),
        (("site", "name"), 6),
        (("site", "list", 0), 10),
        (("site", "list", 1, 1), 11),
        (("site", "list", 2, "x"), 12),
        (("circuits",), 15),
        (("circuits", 0), 15),
        (("circuits", 0, "id"), 16),
        (("circuits", 0, "extra", "depth"), 18),
        (("circuits", 1), 20),
        (("circuits", 1, "id"), 21),
        (("circuits", 1, "inline", "b", "c", 1), 22),
        (("circuits", 1, "dotted", "key", "here"), 23),
        (("circuits", 1, "children", 0, "n"), 26),
        (("circuits", 1, "children", 1, "n"), 28),
        (("a", "b", "c", "d"), 30),
    ],
)
def test_each_thing_has_its_line(place: Place, line: int):
    assert Places(TEXT).line(place) == line


@pytest.mark.parametrize(
    ("place", "line"),
    [(("circuits", 1, "fuse_a"), 20), (("circuits", 0, "id", 7, "x"), 16), (("nowhere",), 1), ((), 1)],
)
def test_what_is_missing_is_placed_at_what_is_around_it(place: Place, line: int):
    assert Places(TEXT).line(place) == line


def test_windows_line_ends_count_once():
    assert Places("a = 1\r\n\r\n[t]\r\nb = 2\r\n").line(("t", "b")) == 4


_KEYS = st.sampled_from(["a", "b_2", "c-d", '"q"', "'l'"])
_SCALARS = st.sampled_from(['"x # y"', "'z ]'", "1", "-2.5e3", "true", "inf", "1979-05-27T07:32:00Z", '"""m\n#"""'])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + " ,\n".join(items) + "\n]")
        | st.dictionaries(_KEYS, inner.filter(lambda text: "\n" not in text), max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        )
    ),
    max_leaves=6,
)


def _places_in(value: Any, above: Place = ()) -> list[Place]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*above, key) for key, _ in inner] + [p for key, item in inner for p in _places_in(item, (*above, key))]


@given(st.lists(st.tuples(st.sampled_from(["[[rows]]", ""]), st.dictionaries(_KEYS, _VALUES, max_size=3)), max_size=4))
def test_every_place_of_a_valid_text_is_found(blocks: list[tuple[str, dict[str, str]]]):
    lines = [[head or f"[table{i}]", *(f"{k} = {v}" for k, v in rows.items())] for i, (head, rows) in enumerate(blocks)]
    text = "".join(f"{line}\n" for block in lines for line in block)
    places = Places(text)
    for place in _places_in(tomllib.loads(text)):
        assert places.line((*place, "absent")) == places.line(place), "the place itself is known"
        key = next((part for part in reversed(place) if isinstance(part, str)), "")
        assert 1 <= places.line(place) <= text.count("\n"), dotted(place)
        if isinstance(place[-1], str):
            assert key in text.splitlines()[places.line(place) - 1]
