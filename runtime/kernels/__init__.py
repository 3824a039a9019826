"""CUDA kernels as package data, one operation each."""
