"""The accounting core: what a run, a usage and a charge are, and how one becomes the other.

Pure values and functions. Imports nothing outside the standard library; is given the clock, the ids and the prices.
Never reads a file, a socket or the environment, and never raises on what an application sent.
"""
