"""The transparency log as the world sees it: every format is made and read here.

Leaves are canonical JSON (`leaf`), hashed as RFC 6962 (`merkle`), published as C2SP tlog-tiles
(`tiles`) under a signed note (`note`, `checkpoint`). `proof` carries one certificate's place in
the log, `history` its life; `view` is what a reader trusts of a log.

Import the modules themselves; whoever asks for no proof pays for none of them.
"""
