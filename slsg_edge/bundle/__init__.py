"""The bundle: the one thing that travels from the workstation to the line."""
