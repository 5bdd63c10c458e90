"""Multigrid for a Poisson equation on columns: line solves upwards, coarser cells sideways."""
