"""Passwords that are tried first: some seventeen thousand of eight characters or more (shorter ones are refused anyway).

The file beside this one is one sorted list, in Unicode form NFKC and folded case, made of the lists that Django (BSD licence; 20,000
passwords that leaked most often) and zxcvbn (MIT licence; 30,000 of them) come with, and of one of our own: keyboards and alphabets
of other countries, years, and names of programs. It is read when the first password is judged.
"""

import gzip
from functools import cache
from importlib.resources import files


@cache
def common_passwords() -> frozenset[str]:
    """All of them."""
    packed = (files("pellucid.auth") / "common" / "passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().splitlines())
