"""A diagnosis as a person reads it: in a terminal, in a mail, in a ticket. One outline, three ways to write it down."""
