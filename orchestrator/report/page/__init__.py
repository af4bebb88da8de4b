"""Reports as pages: one file of HTML, with nothing to load and no script; pure."""
