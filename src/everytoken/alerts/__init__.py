"""Budgets and alerts: rules over charges, judged by the clock and on history, told to people.

Asks `query` for every number and keeps what happened in `store`; knows no routes, and never sums charges itself.
"""
