"""A trained model as something else: an ONNX file, a NumPy script, a torch module.

`onnx`, `numpy` and `torch` each write one of them, `encoding` and `graph` are parts of the first,
`script` of the second. What is written to a file is run before the file takes its place, and
compared with the model's own predictions on rows that `check` draws. The optional packages are
imported when one of these is used.
"""
