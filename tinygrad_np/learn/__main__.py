"""Run `python -m tinygrad_np.learn`."""

import sys

from .commands import main

sys.exit(main())
