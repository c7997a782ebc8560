"""The report of a model as one web page: what it predicts, how well, from what, where it errs."""
