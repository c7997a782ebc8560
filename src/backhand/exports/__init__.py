"""Exports of a trained model: an ONNX file, a NumPy script, a torch module.

`onnx`, `numpy` and `torch` each write one of them; `onnx_schema` and `onnx_builder` are parts of
the first, `numpy_template` of the second. An exported file is run before it gets its name, and
compared with the model's own predictions on rows that `verify` draws. The optional packages are
imported when they are used.
"""
