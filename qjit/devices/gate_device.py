"""What a class is to be a device: `qjit.device(MyDevice, wires=2)`."""

from qjit.runtime.devices.python_devices import GateDevice as GateDevice
