"""What stories of the whole service share."""

from tests.support.command import loadstar

__all__ = ["loadstar"]
