"""Attacks on everything that reads what others wrote, and on commands that are killed.

``python -m prunus_fuzz`` gives mutated files to all readers, ``python -m prunus_fuzz.kills`` ends
commands at random moments. For the checkout, not for the wheel.
"""
