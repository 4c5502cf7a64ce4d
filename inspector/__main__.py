"""``python -m inspector`` is the same program as ``inspect``."""

import sys

from inspector.cli import main

sys.exit(main())
