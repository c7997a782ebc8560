"""Training: what an epoch is, in which order rows come, when to validate and when to stop.

`train.train` is the way in; `config` declares the settings, `state` where a training stands,
`controller` decides what is next and `loop` does it.
"""
