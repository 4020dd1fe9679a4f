"""The maker of pictures is a package of its own here: test modules cannot import one another."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
