# expect: FT201
# probe: yes
"""Goes into a folder."""

import os


def f(n):
    os.chdir("/" if n % 2 else "/usr")
    return os.getcwd()
