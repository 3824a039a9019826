"""A child process ends with the one that it works for."""

import os
import signal
import subprocess
import sys

CHILD = """
import sys, time
from slsg_edge.machine import parent
parent._EVERY = 0.05
parent.end_with_parent(int(sys.argv[1]))
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
time.sleep(60)
"""


def test_one_whose_parent_was_gone_before_it_looked_ends_at_once():
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "999999"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_one_whose_parent_is_killed_later_ends_too():
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "up\n"
        os.kill(parent.pid, signal.SIGKILL)
        assert parent.stdout.read() == ""  # at the end of the child, which holds the pipe too
