"""The checks of `everytoken doctor`: environment, network, cluster, manifests, versions, server, ledger.

Each check answers with findings and never raises. Nothing here prints, and no secret leaves in full.
"""
