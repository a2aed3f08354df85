"""The ordeal: three real servers on a bad network, killed and cut off under load, and every promise checked afterwards.

Run it with `make ordeal`. It needs root on Linux, for network namespaces of its own.
"""
