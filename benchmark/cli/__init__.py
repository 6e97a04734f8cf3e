"""The command line, one file per command: options in, one call of the API, text out.

Enters: arguments of a command. Leaves: text on the terminal, files that the command names, and an exit code: 0 if all
is well, 1 if a run or a check failed, 2 for a mistake of the user, 130 after Ctrl-C.

Reading order: ``app`` (the program), ``options`` and ``progress`` (what commands share), then the commands.
"""
