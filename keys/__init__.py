"""Custody of private keys: algorithms, stores, life cycle. Signs bytes and knows no format."""

from keys.lifecycle import State
from keys.signer import Signer
from keys.store import KeyInfo, KeyStore
from keys.uri import open_store

__all__ = ["KeyInfo", "KeyStore", "Signer", "State", "open_store"]
