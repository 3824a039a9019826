"""Puts verdicts until it is killed, and says which are confirmed. Imports as little as it can."""

import os
import sys
from pathlib import Path

from records_made import record

from slsg_edge.line.outbox.outbox import Outbox

outbox = Outbox(Path(sys.argv[1]), lambda text: None)
place, sequence = outbox.register("mes"), outbox.last_sequence("left")
while True:
    records = [record(sequence + number) for number in range(1, 2 + sequence % 7)]
    os.write(1, "".join(f"put {one.id}\n" for one in records).encode())
    pending = [outbox.put(one, part=f"part {one.sequence}") for one in records]
    for one, each in zip(records, pending, strict=True):
        if each.wait(60):
            os.write(1, f"safe {one.id}\n".encode())
    sequence += len(records)
    for taken in outbox.after(outbox.position_of("mes"), 3):
        os.write(1, f"took {taken.record.id}\n".encode())
        outbox.advance("mes", taken.position)
