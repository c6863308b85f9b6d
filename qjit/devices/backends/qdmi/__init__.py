"""Runtimes by QDMI 1.4: simulators and quantum computers with a driver in C.

The Quantum Device Management Interface is what MQT Core's simulator of decision
diagrams (DDSIM), IQM and others implement as a shared library. It runs in this process,
as any library does. DDSIM runs programs in processes of its own, so that a wrong one
ends a job and nothing else. What a library says beyond the code that it returns, it
writes to the standard error stream.
"""

from .device import backend as backend
