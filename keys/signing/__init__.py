"""The signer process: keys, passphrase and PIN in one process, everybody else asks it by a socket.

`server` answers on a Unix socket with the real store behind it; `client` is a key store for those
who ask. Programs that issue certificates then hold nothing that is worth stealing.
"""
