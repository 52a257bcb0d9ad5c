"""``python -m recsim``."""

from recsim.cli import main

if __name__ == "__main__":
    main()
