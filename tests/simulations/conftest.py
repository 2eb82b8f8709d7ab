"""What stories of the simulator share."""

from tests.support.command import loadstar

__all__ = ["loadstar"]
