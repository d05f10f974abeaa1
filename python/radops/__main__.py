"""`python -m radops` is the same as `radops`."""

from radops.cli.main import run

if __name__ == "__main__":
    run()
