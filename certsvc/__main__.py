"""`python -m certsvc` is the command `certsvc`."""

from certsvc.cli import main

if __name__ == "__main__":
    main()
