"""What the workflows do on GitHub: forms into pull requests, previews, the one living issue.

`form` reads a filled issue form, `submission` makes an entry of it without any right to write,
`publish` opens the pull request; `changed` and `preview` do the same for what a pull request shows.
Whatever an unprivileged job hands over is read by `handover`, as data from a stranger; `markdown`
writes texts so that nothing in them comes alive.
"""
