"""`python -m verifier FILE --roots FOLDER`: the command for whoever checks documents away from the service."""

from verifier.cli import main

if __name__ == "__main__":
    main()
