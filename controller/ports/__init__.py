"""What the shell must provide, and the facts that cross between adapters.

Adapters do not know one another: each sees the others only through these protocols.
"""
