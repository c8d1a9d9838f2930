"""What the workflows do on GitHub: forms into pull requests, previews, the one living issue.

`submission` makes an entry of a filled form, as `survey.intake.issue_form` reads it, without any
right to write; `publish` opens the pull request. `changed` and `preview` do the same for what a
pull request shows, `living_issue` keeps the issue of the audits, and `api` asks GitHub.
Whatever an unprivileged job hands over is read by `survey.intake.handover`, as data from a stranger;
`survey.intake.markdown` writes texts so that nothing in them comes alive.
"""
