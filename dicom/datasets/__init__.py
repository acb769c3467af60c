"""Datasets: in files, on arrival, in words, and by what they are told apart."""
