"""Verdicts that outlive the process: stored first, and then brought to whoever wants them."""
