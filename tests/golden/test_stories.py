"""Rules of the decision over time, each told as a story in a folder: what happens on a site, what is decided, and why.

Adding one needs no Python: ``site.toml``, ``story.toml`` (``tests/support/stories.py``) and ``why.md``. Its
transcript, ``expected.txt``, is written or renewed by ``LOADSTAR_RENEW=1 pytest tests/golden/test_stories.py``.
Read it before it is committed: it is the argument.
"""

import os
from pathlib import Path

import pytest

from tests.support.stories import transcript

STORIES = sorted(path.parent for path in Path(__file__).parent.glob("stories/*/story.toml"))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_goes_as_it_is_told(story: Path) -> None:
    told = transcript(story)
    expected = story / "expected.txt"
    if os.environ.get("LOADSTAR_RENEW") == "1":
        expected.write_text(told, "utf-8")
    assert told.splitlines() == expected.read_text("utf-8").splitlines()
    assert (story / "why.md").read_text("utf-8").startswith("# ")


def test_there_are_stories() -> None:
    assert len(STORIES) >= 15
