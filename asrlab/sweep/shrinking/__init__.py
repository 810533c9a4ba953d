"""What shrinking a case is made of: what is asked, what shows a failure, the search, and what is saved."""
