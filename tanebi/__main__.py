"""`python -m tanebi` is `tanebi`."""

from tanebi.cli.main import main

if __name__ == "__main__":
    main()
