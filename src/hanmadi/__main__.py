"""``python -m hanmadi``."""

from hanmadi.cli import main

if __name__ == "__main__":
    main()
