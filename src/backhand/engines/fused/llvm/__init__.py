"""LLVM code written in Python: builder, calling convention, compiler, target CPU."""
