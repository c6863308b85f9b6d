import qjit as qj


@qj.qjit
def program(angle):
    qj.RX(angle, wires=0)
    return angle


program(0.5)
