"""What budgets cost a turn, and whether they hold."""
