"""The lesson: seven blanks, one for each gradient, marked by the doctor with hints that grow.

Examples
--------
>>> from backhand.lesson import Marker
>>> mark = Marker()
>>> def dS(P, Y, N):
...     return (P - Y) / N
>>> mark.dS(dS).ok
True
>>> mark.missing
['dW2', 'db2', 'dH1', 'dZ1', 'dW1', 'db1']
"""

from backhand.lesson.mark import Mark
from backhand.lesson.marker import Blank, Marker

__all__ = ["Blank", "Mark", "Marker"]
