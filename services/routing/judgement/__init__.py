"""The judgement that learns: from dispatchers' decisions to a model, from a model to a label and its reasons.

Pure: files and bytes in, values out. ``fitting.fit`` and ``model.to_bytes`` train, ``model.load`` and ``Model.judge``
use what was trained. Where there is no model, the directory decides (``services.routing.domain.judgement``).
"""
