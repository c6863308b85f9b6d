"""Settings of the tests that run packages of vendors."""

import os

# Nothing that a test does is told to anyone.
os.environ["QDK_PYTHON_TELEMETRY"] = "none"
