"""``python -m twin`` is the command ``citytwin``."""

import sys

from twin.cli import main

sys.exit(main())
