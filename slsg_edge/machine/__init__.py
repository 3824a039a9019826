"""What this computer is: its processor and memory, its GPU, and the versions installed."""
