"""Every error that hanmadi raises on purpose.

    HanmadiError
    ├── AudioError          a sound or a sound file is not what it should be      (also ValueError)
    ├── LabelError          a list of words or labels cannot be used              (also ValueError)
    ├── DataError           a data source, a clip store or a split cannot be used (also ValueError)
    ├── DownloadError       an archive could not be fetched or is not the right one
    ├── ModelError          a model, its file or its name cannot be used          (also ValueError)
    ├── TrainingError       a training cannot start, go on or be resumed
    ├── ServerError         the server cannot start                               (also OSError)
    ├── WriteError          a result could not be written                         (also OSError)
    └── MissingExtraError   a part that is installed separately is absent         (also ImportError)

A message says what was expected, what came, and the cure.
"""


class HanmadiError(Exception):
    """Base of all errors raised on purpose; catch this one to catch them all."""

    def __str__(self) -> str:
        """The message, which can always be printed and stored: a file name may hold bytes that are no text."""
        return super().__str__().encode("utf-8", errors="backslashreplace").decode()


class AudioError(HanmadiError, ValueError):
    """A sound or a sound file is not what it should be."""


class LabelError(HanmadiError, ValueError):
    """A list of words or labels cannot be used."""


class DataError(HanmadiError, ValueError):
    """A data source, a clip store or a split cannot be used."""


class DownloadError(HanmadiError):
    """An archive could not be fetched, or what came is not the right one."""


class ModelError(HanmadiError, ValueError):
    """A model, its file or its name cannot be used."""


class TrainingError(HanmadiError):
    """A training cannot start, go on or be resumed."""


class ServerError(HanmadiError, OSError):
    """Raised when the web server cannot start, for example because its port is taken."""


class WriteError(HanmadiError, OSError):
    """A result could not be written; what was there before is untouched."""


class MissingExtraError(HanmadiError, ImportError):
    """A part that is installed separately is absent."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f'{what} needs an extra part; install it with: pip install "hanmadi[{extra}]"')
        self.extra = extra
