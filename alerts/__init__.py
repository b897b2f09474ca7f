"""From a number to one message to the right person: rules, their lifecycle, their store, and what is said of them."""
