"""`python -m slsg_edge` is `slsg-edge`."""

from slsg_edge.cli import main

if __name__ == "__main__":
    main()
