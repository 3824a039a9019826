"""Whose bundles this machine opens."""

from slsg_edge.bundle.trust_store import trusted_keys
from slsg_edge.doctor.check import MachineCheck
from slsg_edge.errors import ConfigError


def trust() -> MachineCheck:
    try:
        store = trusted_keys()
    except ConfigError as error:
        return MachineCheck("trust", "warning", error.what, error.fix)
    if not store.enforced:
        how = "To open signed ones only: slsg-edge trust add KEY.pub"
        return MachineCheck("trust", "ok", "no key is trusted, so every bundle is opened", how)
    faults = [key.fault for key in store.keys if key.fault]
    needs = " and ".join(store.required) or "any of them"
    found = f"{len(store.keys)} keys; a bundle must be signed by {needs}"
    if faults:
        return MachineCheck("trust", "ok", f"{found}; {'; '.join(faults)}")
    return MachineCheck("trust", "ok", found)
