"""A key store in a PKCS#11 token: private keys are made in it, used in it, and never leave it.

The token's library runs in an agent, a process of its own for each process that uses the store:
PyKCS11 holds the interpreter's lock while the library works, so a token that hangs would hang
the whole service, and a library that crashes would take it along.
"""

from keys.pkcs11.address import TokenAddress, read_address
from keys.pkcs11.store import Pkcs11KeyStore

__all__ = ["Pkcs11KeyStore", "TokenAddress", "read_address"]
