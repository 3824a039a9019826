"""A PLC and an MES to try a line with on a desk."""
