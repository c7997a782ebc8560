"""Right functions in many styles: none may be called wrong."""
