"""Runs the command line. Workers import this module too, and want nothing of it."""

if __name__ == "__main__":
    from benchmark.cli.app import main

    main()
