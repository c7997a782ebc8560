"""The jobs on tables that the command line and `fit` offer: train, evaluate, predict."""
