"""`python -m ctxwin` is `ctxwin`."""

from .cli import main

if __name__ == "__main__":
    main()
