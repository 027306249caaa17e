"""The chain beside the network: EigenLayer's stake, our contracts, and whoever sends and reads there.

This folder is the only one that knows web3, which is an extra (`proofgrid[chain]`): nothing here is imported where no
chain is named.
"""
