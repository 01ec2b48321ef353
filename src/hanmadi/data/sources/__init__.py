"""Origins of clips: one file each. `open_source` chooses by what it is given."""

from hanmadi.data.sources.choose import open_source

__all__ = ["open_source"]
