import qjit as qj


@qj.qjit
@qj.qnode(wires=1)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


text = circuit.stages(0.5)["build-schedules"]
qj.compile_stage(text.replace("RX(", "RXX("))
